package recovery

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// The kinds of _id in the order in which the server sorts them.
const (
	keyNumber = 1 + iota
	keyString
	keyBinary
	keyObjectID
	keyBool
	keyDate
)

// orderedKey stands for an _id in bytes, which have the order in which the server sorts, so that two
// readings of a collection can be compared side by side. What the product and marketplaces use as an _id
// has one; documents, fractions and curiosities have none, and are refused.
func orderedKey(id bson.RawValue) ([]byte, error) {
	switch id.Type {
	case bson.TypeInt32, bson.TypeInt64, bson.TypeDouble:
		number, whole := wholeNumber(id)
		if !whole {
			return nil, fmt.Errorf("an _id is a number that is not whole")
		}
		return orderedInt(keyNumber, number), nil
	case bson.TypeString:
		return append([]byte{keyString}, id.StringValue()...), nil
	case bson.TypeBinary:
		subtype, data := id.Binary()
		key := binary.BigEndian.AppendUint32([]byte{keyBinary}, uint32(len(data))) //nolint:gosec // G115: at most 16 MiB
		return append(append(key, subtype), data...), nil
	case bson.TypeObjectID:
		object := id.ObjectID()
		return append([]byte{keyObjectID}, object[:]...), nil
	case bson.TypeBoolean:
		if id.Boolean() {
			return []byte{keyBool, 1}, nil
		}
		return []byte{keyBool, 0}, nil
	case bson.TypeDateTime:
		return orderedInt(keyDate, id.DateTime()), nil
	default:
		return nil, fmt.Errorf("an _id is a %s, of which backups know no order", id.Type)
	}
}

// wholeNumber is a number, and whether it has no fraction.
func wholeNumber(id bson.RawValue) (int64, bool) {
	if f, ok := id.DoubleOK(); ok {
		const exact = 1 << 53
		return int64(f), f == math.Trunc(f) && math.Abs(f) <= exact
	}
	return id.AsInt64OK()
}

// orderedInt turns the sign, so that what is below zero comes first.
func orderedInt(kind byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(slices.Clip([]byte{kind}), uint64(n)^1<<63) //nolint:gosec // G115: the bits are meant
}
