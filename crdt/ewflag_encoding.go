package crdt

// AppendBinary implements [encoding.BinaryAppender].
func (f *EWFlag) AppendBinary(b []byte) ([]byte, error) {
	f = f.state()
	return appendCausal(b, f.root, f), nil
}

// MarshalBinary implements [encoding.BinaryMarshaler].
func (f *EWFlag) MarshalBinary() ([]byte, error) { return f.AppendBinary(nil) }

// UnmarshalBinary implements [encoding.BinaryUnmarshaler].
func (f *EWFlag) UnmarshalBinary(data []byte) error {
	return unmarshal(&f.node, f, data)
}

// MarshalJSON has the enables as the state, as in ["eu:4"].
func (f ewFlagState) MarshalJSON() ([]byte, error) {
	return (&EWFlag{ewFlagState: f}).marshalJSON()
}

func (f *EWFlag) marshalJSON() ([]byte, error) {
	f = f.state()
	return causalJSON(f.root, f)
}

// UnmarshalJSON implements [json.Unmarshaler].
func (f *EWFlag) UnmarshalJSON(p []byte) error {
	if isNull(p) {
		return nil
	}
	v, err := readCausalJSON[*EWFlag](p)
	if err == nil {
		f.adopt(v)
	}
	return err
}

// adopt makes f the state v, which nobody else has.
func (f *EWFlag) adopt(v *EWFlag) {
	f.replaceable()
	*f = EWFlag{ewFlagState: ewFlagState{node: node{root: v.root}, cell: v.cell}}
}

// MergeBinary is Merge of a binary form, which it decodes first.
func (f *EWFlag) MergeBinary(data []byte) (bool, error) {
	r := f.receive(new(node))
	f.ready()
	return mergeBinary(r, f, data)
}

// Stats returns the statistics of f. It has one element if it is enabled.
func (f *EWFlag) Stats() Stats {
	f = f.state()
	n := 0
	if f.live() {
		n = 1
	}
	return statsOf(f.root, f, n)
}

// Verify returns an error if f and o hold a dot with different content.
func (f *EWFlag) Verify(o *EWFlag) error {
	f, o = f.whole(), o.whole()
	return verify(f.root, f, o.root, o)
}

func (*EWFlag) kinds(b []byte) []byte { return append(b, kindEWFlag) }
func (f *EWFlag) encode(e *encoder)   { writeWrites(e, f.cell) }

func (f *EWFlag) decode(d *decoder) { readWrites(d, &f.cell, struct{}{}) }

func (f *EWFlag) rootOf() *root { return f.whole().root }

func (f *EWFlag) scan(d *decoder) bool {
	f.cell = f.cell[:0]
	f.decode(d)
	return len(f.cell) > 0
}

func (f *EWFlag) encodeJSON(e *encoder) { writesJSON(e, f.cell) }

func (f *EWFlag) decodeJSON(d *decoder, p []byte) error {
	return parseWrites(d, p, &f.cell, struct{}{})
}

func (f *EWFlag) events(yield func(d dot, what string)) {
	f.dots(func(d dot) { yield(d, "enabled") })
}

func (*EWFlag) compact(*compacting) bool { return false }

func (f *EWFlag) stats(st *Stats) { st.Dots += len(f.cell) }
