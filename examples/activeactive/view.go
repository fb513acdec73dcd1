package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
)

// view returns what a client is shown of a row, and the ETag under which it may
// write, "" if there is none for the row as a whole.
func (g *region) view(ctx context.Context, key string, st state) (shown any, etag string, err error) {
	switch s := st.(type) {
	case of[*Profiles]:
		profile, seen := s.s.Snapshot()
		return profile, tag(key, seen), nil
	case of[*Cart]:
		lines := []cartLine{}
		for sku, c := range s.s.All() {
			lines = append(lines, viewLine(key, sku, c))
		}
		slices.SortFunc(lines, func(a, b cartLine) int { return strings.Compare(a.SKU, b.SKU) })
		return lines, "", nil
	case of[*crdt.BoundedCounter]:
		v := stockView{Holders: maps.Collect(s.s.Holders())}
		v.Left, v.Exact = s.s.Total()
		return v, "", nil
	case of[*Flags]:
		flags := map[string]flagView{}
		for k, v := range s.s.All() {
			flags[k] = flagView{v, s.s.Stamp(k)}
		}
		return flags, "", nil
	case of[*Orders]:
		return g.viewOrder(ctx, key, s.s)
	}
	return nil, "", nil
}

// A cartLine has an ETag of its own, see deleteFromCart.
type cartLine struct {
	SKU   string `json:"sku"`
	Count int64  `json:"count"`
	ETag  string `json:"etag"`
}

func viewLine(row, sku string, c *crdt.PNCounter) cartLine {
	n, _ := c.Total()
	return cartLine{sku, n, tag(row+"/"+sku, c.Context())}
}

type stockView struct {
	Left    int64                    `json:"left"`
	Exact   bool                     `json:"exact"`
	Holders map[vclock.Replica]int64 `json:"holders"`
}

type flagView struct {
	Value string    `json:"value"`
	Stamp lww.Stamp `json:"stamp"`
}

// An orderView is what there is to show of an order.
type orderView struct {
	Order    *Order   `json:"order"` // null if there is none
	Versions []string `json:"versions,omitempty"`
	Rule     string   `json:"rule,omitempty"`
	Reason   string   `json:"reason,omitempty"`
	Ticket   string   `json:"ticket,omitempty"` // of what a person has to decide
	Choices  []Order  `json:"choices,omitempty"`
}

func (g *region) viewOrder(ctx context.Context, row string, s *Orders) (v orderView, etag string, err error) {
	out, err := g.rule().Resolve(ctx, row, s)
	if err != nil {
		return v, "", err
	}
	v.Rule, v.Reason = out.Rule, out.Reason
	if out.Found {
		v.Order = &out.Value
	}
	if out.Conflict != nil {
		for _, version := range out.Conflict.Versions {
			v.Versions = append(v.Versions, version.Stamp.String())
			v.Choices = append(v.Choices, version.Value)
		}
	}
	if out.Ticket != nil {
		v.Ticket, v.Reason = out.Ticket.Conflict.ID.String(), out.Ticket.Reason
	}
	return v, tag(row, out.Context), nil
}

// A rowView is a row as the page shows it.
type rowView struct {
	Digest string                  `json:"digest"`
	Bytes  int                     `json:"bytes"`
	State  any                     `json:"state"`
	Why    map[string]merge.Change `json:"why,omitempty"`
	ETag   string                  `json:"etag,omitempty"`
}

// viewRow returns what the page shows of a row.
func (g *region) viewRow(ctx context.Context, key string, data []byte) (v rowView, err error) {
	st, err := g.store.decodeRow(key, data)
	if err != nil {
		return v, err
	}
	sum := sha256.Sum256(data)
	v.Digest, v.Bytes, v.Why = hex.EncodeToString(sum[:4]), len(data), g.events.reasons(key, st)
	v.State, v.ETag, err = g.view(ctx, key, st)
	return v, err
}
