package content_test

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/rejoin-go/rejoin/vclock/content"
)

// A Price is a type of another module, without a form of its own.
type Price struct{ units *big.Int }

// A type that one does not own gets its encoding from the program.
func ExampleRegister() {
	content.Register(content.Codec[Price]{
		Encode: func(p Price) ([]byte, error) { return p.units.Append(nil, 10), nil },
		Decode: func(b []byte) (Price, error) {
			n, ok := new(big.Int).SetString(string(b), 10)
			if !ok || n.String() != string(b) {
				return Price{}, errors.New("not a price")
			}
			return Price{n}, nil
		},
	})
	fmt.Println("registered")
	// Output: registered
}
