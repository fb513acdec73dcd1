package crdt

// AppendBinary implements [encoding.BinaryAppender]. It never returns an error. It
// takes O(n) for n elements. Equal states have equal bytes. FORMAT.md in the root of
// the module has the layout.
func (s *RWSet[E]) AppendBinary(b []byte) ([]byte, error) {
	s = s.state()
	return appendCausal(b, s.root, s), nil
}

// MarshalBinary implements [encoding.BinaryMarshaler].
func (s *RWSet[E]) MarshalBinary() ([]byte, error) { return s.AppendBinary(nil) }

// UnmarshalBinary implements [encoding.BinaryUnmarshaler].
func (s *RWSet[E]) UnmarshalBinary(data []byte) error {
	return unmarshal(&s.node, s, data)
}

// MarshalJSON implements [json.Marshaler]. It never returns an error.
//
//	{"type": "RWSet", "context": {"eu": "1-4,7"}, "state":
//	    [{"element": "milk", "dots": ["eu:3"], "removed": ["us:2"]}]}
//
// The adds of an element are its dots, the removes are listed as removed. The
// context has the numbers that s has seen of each replica. Elements are in
// the order of their first dots, and in the JSON form of keys: 64-bit integers
// are strings.
func (s rwSetState[E]) MarshalJSON() ([]byte, error) {
	return (&RWSet[E]{rwSetState: s}).marshalJSON()
}

func (s *RWSet[E]) marshalJSON() ([]byte, error) {
	s = s.state()
	return causalJSON(s.root, s)
}

// UnmarshalJSON implements [json.Unmarshaler].
func (s *RWSet[E]) UnmarshalJSON(p []byte) error {
	if isNull(p) {
		return nil
	}
	v, err := readCausalJSON[*RWSet[E]](p)
	if err == nil {
		s.adopt(v)
	}
	return err
}

// adopt makes s the state v, which nobody else has.
func (s *RWSet[E]) adopt(v *RWSet[E]) {
	s.replaceable()
	*s = RWSet[E]{rwSetState: rwSetState[E]{node: node{root: v.root}, store: v.store}}
}

// MergeBinary merges a state in the form of [RWSet.AppendBinary] and reports
// whether that changed s. On an error it leaves s unchanged: all of data is checked first.
// Elements are decoded only where the two states differ, within the bound of
// [RWSet.UnmarshalBinary]. It panics if s is a value in an [ORMap].
func (s *RWSet[E]) MergeBinary(data []byte) (bool, error) {
	r := s.receive(new(node))
	s.ready()
	return mergeBinary(r, s, data)
}

// Stats returns the statistics of s. It takes O(n).
func (s *RWSet[E]) Stats() Stats {
	s = s.state()
	return statsOf(s.root, s, s.Len())
}

// Verify returns an error that names a dot which s and o hold with different
// elements, and nil if there is none. Such a dot is the trace of a replica name used by two
// lineages, which no merge can mend. Verify takes O(n).
func (s *RWSet[E]) Verify(o *RWSet[E]) error {
	s, o = s.whole(), o.whole()
	return verify(s.root, s, o.root, o)
}

func (*RWSet[E]) kinds(b []byte) []byte { return appendKeyed[E](b, kindRWSet) }

func (s *RWSet[E]) encode(e *encoder) { s.store.encode(e, true) }

func (s *RWSet[E]) decode(d *decoder) { s.ready().decode(d, true) }

func (s *RWSet[E]) rootOf() *root { return s.whole().root }

func (s *RWSet[E]) scan(d *decoder) bool { return s.ready().scan(d, true) }

func (s *RWSet[E]) encodeJSON(e *encoder) { s.store.encodeJSON(e, true) }

func (s *RWSet[E]) decodeJSON(d *decoder, p []byte) error { return s.ready().decodeJSON(d, p, true) }

func (s *RWSet[E]) events(yield func(d dot, what string)) { s.store.events(yield) }

func (s *RWSet[E]) stats(st *Stats) {
	s.store.stats(st)
	if s.store != nil {
		s.store.dots(func(d dot) {
			if x, _ := s.store.lookup(d); s.store.isMarked(x) {
				st.Residues++
			}
		})
	}
}
