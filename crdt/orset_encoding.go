package crdt

// AppendBinary implements [encoding.BinaryAppender], in O(n).
func (s *ORSet[E]) AppendBinary(b []byte) ([]byte, error) {
	s = s.state()
	return appendCausal(b, s.root, s), nil
}

// MarshalBinary implements [encoding.BinaryMarshaler].
func (s *ORSet[E]) MarshalBinary() ([]byte, error) { return s.AppendBinary(nil) }

// UnmarshalBinary implements [encoding.BinaryUnmarshaler].
func (s *ORSet[E]) UnmarshalBinary(data []byte) error {
	return unmarshal(&s.node, s, data)
}

// MarshalJSON has the state as [{"element": "milk", "dots": ["eu:3"]}].
func (s orSetState[E]) MarshalJSON() ([]byte, error) {
	return (&ORSet[E]{orSetState: s}).marshalJSON()
}

func (s *ORSet[E]) marshalJSON() ([]byte, error) {
	s = s.state()
	return causalJSON(s.root, s)
}

// UnmarshalJSON implements [json.Unmarshaler].
func (s *ORSet[E]) UnmarshalJSON(p []byte) error {
	if isNull(p) {
		return nil
	}
	v, err := readCausalJSON[*ORSet[E]](p)
	if err == nil {
		s.adopt(v)
	}
	return err
}

// adopt makes s the state v, which nobody else has.
func (s *ORSet[E]) adopt(v *ORSet[E]) {
	s.replaceable()
	*s = ORSet[E]{orSetState: orSetState[E]{node: node{root: v.root}, store: v.store}}
}

// MergeBinary is Merge of a binary form. It decodes only what differs.
func (s *ORSet[E]) MergeBinary(data []byte) (bool, error) {
	r := s.receive(new(node))
	s.ready()
	return mergeBinary(r, s, data)
}

// Stats returns the statistics of s. It takes O(n).
func (s *ORSet[E]) Stats() Stats {
	s = s.state()
	return statsOf(s.root, s, s.Len())
}

// Verify returns an error if s and o hold a dot with different elements.
func (s *ORSet[E]) Verify(o *ORSet[E]) error {
	s, o = s.whole(), o.whole()
	return verify(s.root, s, o.root, o)
}

func (*ORSet[E]) kinds(b []byte) []byte { return appendKeyed[E](b, kindORSet) }

func (s *ORSet[E]) encode(e *encoder) { s.store.encode(e, false) }

func (s *ORSet[E]) decode(d *decoder) { s.ready().decode(d, false) }

func (s *ORSet[E]) rootOf() *root { return s.whole().root }

func (s *ORSet[E]) scan(d *decoder) bool { return s.ready().scan(d, false) }

func (s *ORSet[E]) encodeJSON(e *encoder) { s.store.encodeJSON(e, false) }

func (s *ORSet[E]) decodeJSON(d *decoder, p []byte) error { return s.ready().decodeJSON(d, p, false) }

func (s *ORSet[E]) events(yield func(d dot, what string)) { s.store.events(yield) }

func (*ORSet[E]) compact(*compacting) bool { return false }

func (s *ORSet[E]) stats(st *Stats) { s.store.stats(st) }
