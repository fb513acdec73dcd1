module github.com/rejoin-go/rejoin/internal/yamltest

go 1.26.0

replace github.com/rejoin-go/rejoin => ../..

require (
	github.com/rejoin-go/rejoin v0.0.0-00010101000000-000000000000
	github.com/stretchr/testify v1.12.1
	go.yaml.in/yaml/v3 v3.0.5
)
