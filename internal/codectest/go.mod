module github.com/rejoin-go/rejoin/internal/codectest

go 1.26.0

replace github.com/rejoin-go/rejoin => ../..

require (
	github.com/rejoin-go/rejoin v0.0.0-00010101000000-000000000000
	github.com/shopspring/decimal v1.4.0
	github.com/stretchr/testify v1.12.1
	google.golang.org/protobuf v1.36.11
	pgregory.net/rapid v1.3.0
)

require go.yaml.in/yaml/v3 v3.0.5 // indirect
