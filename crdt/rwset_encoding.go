package crdt

// AppendBinary implements [encoding.BinaryAppender], in O(n).
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

// MarshalJSON is like that of an [ORSet], with "removed" beside "dots".
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

// MergeBinary is Merge of a binary form: see [ORSet.MergeBinary].
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

// Verify returns an error if s and o hold a dot with different elements.
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
