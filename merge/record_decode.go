package merge

import (
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/merge/internal/cell"
)

// settle returns kids with all options and versions that the program knows how
// to join joined, which those who wrote them may not have known.
func (w *recordRow) settle(kids []cell.Cell) []cell.Cell {
	for i := range kids {
		k := &kids[i] // a decoder made it, and shares it with nobody
		if k.Kind != cell.Choice && k.Kind != cell.State && k.Kind != cell.Row && k.Kind != cell.Rows {
			continue // there is nothing to join
		}
		p := w.part(k)
		if p == nil {
			continue
		}
		switch p.kind {
		case cell.Choice:
			k.Kids = p.Best(k.Kids)
		case cell.State:
			k.Kids = p.Fold(k.Kids)
		case cell.Row:
			k.Kids = p.elem.settle(k.Kids)
		case cell.Rows:
			for j := range k.Kids {
				k.Kids[j].Kids = p.elem.settle(k.Kids[j].Kids)
			}
		case cell.Register, cell.First, cell.Max, cell.Min, cell.Immutable, cell.Totals, cell.Manual, cell.Union, cell.Set, cell.Table, cell.Placed,
			cell.Sums, cell.Deleted, cell.Fact, cell.Option, cell.Version, cell.Seen, cell.Total, cell.Replica, cell.Sibling, cell.Member, cell.Element,
			cell.Entry, cell.Sum:
		}
	}
	return kids
}

// UnmarshalBinary implements [encoding.BinaryUnmarshaler].
func (t *Token) UnmarshalBinary(data []byte) error {
	d := wire.NewReader(data)
	d.Version(recordVersion)
	deleted := hlc.Timestamp(d.Uvarint())
	if err := checkHorizons(deleted, deleted); err != nil {
		d.Fail("%w", err)
	}
	root := cell.Read(d, string(data), 0, 0)
	if d.Err() == nil && !root.IsSeen() {
		d.Fail("a value in a token")
	}
	if err := d.Close(); err != nil {
		return fmt.Errorf("merge: decode Token: %w", wire.Damaged(err))
	}
	t.root, t.deleted = root, deleted
	return nil
}

// MarshalText implements [encoding.TextMarshaler]: the binary form in unpadded
// URL-safe base64, fit for a hidden field of a form.
func (t Token) MarshalText() ([]byte, error) {
	b, err := t.MarshalBinary()
	return base64.RawURLEncoding.AppendEncode(nil, b), err
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (t *Token) UnmarshalText(text []byte) error {
	b, err := base64.RawURLEncoding.Strict().AppendDecode(nil, text)
	if err == nil && base64.RawURLEncoding.EncodedLen(len(b)) != len(text) {
		err = errors.New("line breaks in base64") // which the decoder skips
	}
	if err != nil {
		return fmt.Errorf("merge: decode Token: %w", wire.Damaged(err))
	}
	return t.UnmarshalBinary(b)
}
