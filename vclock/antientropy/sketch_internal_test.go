package antientropy

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/internal/wire"
)

// TestSketchLists takes one set of marks out of another, both large, and lists what is
// left, from sketches of the size that is made for as many, and from smaller ones: what
// is listed is all there is, or it says that it is not.
func TestSketchLists(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	failed := [2]int{} // of sketches for as many, and of smaller ones
	for round := range 300 {
		n := 1 + rng.IntN(40)
		size := n
		if round%2 == 1 {
			size = n / 8
		}
		s := newSketch(size, rng.Uint64())
		for range 500 {
			m := mark(rng.Uint64())
			s.add(m, 1)
			s.add(m, takenOut)
		}
		var in, out []mark
		for i := range n {
			m := mark(rng.Uint64())
			if i%3 == 0 {
				out = append(out, m)
				s.add(m, takenOut)
			} else {
				in = append(in, m)
				s.add(m, 1)
			}
		}
		gotIn, gotOut, ok := s.list()
		if !ok {
			require.Nil(t, gotIn)
			require.Nil(t, gotOut)
			failed[round%2]++
			continue
		}
		slices.Sort(in)
		slices.Sort(out)
		slices.Sort(gotIn)
		slices.Sort(gotOut)
		require.Equal(t, in, gotIn)
		require.Equal(t, out, gotOut)
	}
	require.LessOrEqual(t, failed[0], 3, "of 150")
	require.NotZero(t, failed[1], "no sketch was too small")
}

// TestSketchForged lists sketches that no table makes: with a mark in some of its cells only,
// which would be put in and taken out for ever, and in a cell that is none of its own.
func TestSketchForged(t *testing.T) {
	const m mark = 0x0123456789abcdef
	for some := range 1 << sketchHashes {
		s := newSketch(5, 1)
		for i, at := range s.places(m) {
			if some>>i&1 == 1 {
				s.cells[at] = cell{1, s.check(m), m}
			}
		}
		in, out, ok := s.list()
		require.Equal(t, some == 0 || some == 1<<sketchHashes-1, ok, "%04b", some)
		require.Equal(t, ok && some > 0, len(in) == 1)
		require.Empty(t, out)
	}
	s := newSketch(5, 1)
	s.add(m+1, 1)
	own := s.places(m)
	for at := range s.cells {
		if !slices.Contains(own[:], at) && s.cells[at].count == 0 {
			s.cells[at] = cell{1, s.check(m), m}
			break
		}
	}
	_, _, ok := s.list()
	require.False(t, ok)
}

// TestSketchRefuses reads sketches of as many cells as no sketch has.
func TestSketchRefuses(t *testing.T) {
	for n := range 10 {
		var s sketch
		s.cells = make([]cell, n)
		r := wire.NewReader(s.append(nil))
		got := readSketch(r, 1)
		if n > 0 && n%sketchHashes == 0 {
			require.NoError(t, r.Close())
			require.Len(t, got.cells, n)
			continue
		}
		require.Nil(t, got)
		require.ErrorContains(t, r.Close(), "cells, no multiple of 4", "%d", n)
	}
}
