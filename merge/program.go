package merge

import (
	"reflect"

	"github.com/rejoin-go/rejoin/internal/value"
)

// in returns the field's value in a value of the row.
func (o *op) in(v reflect.Value) reflect.Value {
	if o.index >= 0 {
		return v.Field(o.index)
	}
	return o.f.in(v)
}

// program lists what merging the row takes. The result starts as the newest side, so
// fields that are right after that have no operation, nor has the key of an
// element, which is the same in all versions of it.
func (w *row) program(key [][]int) {
	for _, f := range w.fields {
		o := op{code: f.opcode(), index: -1, f: f}
		if len(f.index) == 1 {
			o.index = f.index[0]
		}
		if o.code == opGroup && f.group.fields[0] != f {
			continue
		}
		if o.code == opScalar && f.isAt(key) {
			continue
		}
		w.known = append(w.known, o)
		if o.code == opScalar {
			continue
		}
		w.unknown = append(w.unknown, o)
	}
}

// tells reports whether merging the field may have to name a place in it.
func (f *field) tells() bool {
	switch f.opcode() {
	case opScalar, opTime, opRegister, opGroup, opZero, opJoinFunc:
		return false
	case opLeaf:
		return f.rule.id.def().person
	case opAdditive, opSum, opJoin, opFunc, opPointer, opMap, opKeyed, opSet, opDocument:
	}
	return true
}

func (f *field) opcode() opcode {
	switch f.class {
	case classIgnored:
		return opZero
	case classPointer:
		return opPointer
	case classMap:
		return opMap
	case classKeyed:
		return opKeyed
	case classSet:
		return opSet
	case classDocument:
		return opDocument
	case classLeaf:
	}
	return f.leafOpcode()
}

func (f *field) leafOpcode() opcode {
	if f.adder != nil {
		return opSum
	}
	if op := f.rule.id.def().op; op != 0 {
		return op
	}
	switch f.shape.Kind {
	case value.KindTime:
		return opTime
	case value.KindString, value.KindInt, value.KindUint, value.KindBool, value.KindFloat:
		return opScalar
	case value.KindComplex, value.KindBytes, value.KindSlice, value.KindArray, value.KindMap, value.KindPointer,
		value.KindStruct, value.KindRaw, value.KindOpaque, value.KindDocument:
	}
	return opRegister
}
