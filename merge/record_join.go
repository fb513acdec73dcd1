package merge

import "github.com/rejoin-go/rejoin/merge/internal/cell"

// Part implements [cell.Knows].
func (p *recordPart) Part(key string, kind cell.Kind, typ cell.TypeCode) cell.Knows {
	if p.elem != nil {
		if q := p.elem.partAt(key, kind, typ); q != nil {
			return q
		}
	}
	return nil
}
