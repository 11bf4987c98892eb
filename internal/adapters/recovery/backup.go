// Package recovery reads the database into backups, fills one from them, and has it catch up with what only workflows
// know. What is restored, added and presumed sent the domain's package of the same name decides.
package recovery

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"marketplace.example/trials/internal/adapters/backup"
	"marketplace.example/trials/internal/adapters/mongodb"
	"marketplace.example/trials/internal/domain/recovery"
)

// Store is a database that can be backed up and restored. It is safe for concurrent use.
type Store struct{ *mongodb.Store }

// limit bounds reading or writing everything.
const limit = 4 * time.Hour

// Origin names the database in its backups. The first call gives it the installation's id, once for all who call.
func (s Store) Origin(ctx context.Context) (backup.Origin, error) {
	id, err := s.KeepInstallation(ctx, rand.Text())
	return backup.Origin{Installation: id, Database: s.Database().Name()}, err
}

// KnownOrigin is Origin where the database has an installation's id, and false where it has none.
func (s Store) KnownOrigin(ctx context.Context) (backup.Origin, bool, error) {
	id, err := s.Installation(ctx)
	return backup.Origin{Installation: id, Database: s.Database().Name()}, id != "", err
}

// BackUp takes a backup, which is none of a wrong clock, and deletes what has expired. Where only the latter fails, it
// answers with the backup and with an error.
func (s Store) BackUp(ctx context.Context, to *backup.Repository, kind backup.Kind) (m backup.Manifest, expiry backup.Expiry, err error) {
	origin, err := s.Origin(ctx)
	if err != nil {
		return m, expiry, err
	}
	repository := *to
	if repository.OtherClock == nil {
		repository.OtherClock = s.Clock
	}
	if m, err = repository.Create(ctx, kind, origin, s.Records(ctx)); err != nil {
		return m, expiry, err
	}
	if expiry, err = to.Expire(ctx, origin); err != nil {
		err = fmt.Errorf("backup %s is taken, but what has expired is not deleted: %w", m.ID, err)
	}
	return m, expiry, err
}

// Records are all documents of all collections in the database, the marketplace's too: our fields are
// in its users. Each time they are ranged over, the database is read anew, while it may change.
func (s Store) Records(ctx context.Context) backup.Records {
	return func(yield func(backup.Record, error) bool) {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		collections, err := s.collections(ctx)
		if err != nil {
			yield(backup.Record{}, err)
			return
		}
		for _, c := range collections {
			for doc, err := range scan(ctx, c, bson.D{}, options.Find().SetSort(bson.D{{Key: "_id", Value: 1}})) {
				record := backup.Record{Collection: c.Name(), Document: slices.Clone(doc)}
				if err == nil {
					if record.Key, err = orderedKey(doc.Lookup("_id")); err != nil {
						err = fmt.Errorf("reading collection %s: %w", c.Name(), err)
					}
				}
				if !yield(record, err) || err != nil {
					return
				}
			}
		}
	}
}

// collections are all collections, in the order of their names, but for the server's own, views, and those of canaries.
func (s Store) collections(ctx context.Context) (all []*mongo.Collection, err error) {
	names, err := s.Database().ListCollectionNames(ctx, bson.D{{Key: "type", Value: "collection"}})
	if err != nil {
		return nil, mongodb.Failed("listing the collections", err)
	}
	for _, name := range slices.Sorted(slices.Values(names)) {
		if !strings.HasPrefix(name, "system.") && !recovery.IsCanary(name) {
			all = append(all, s.Database().Collection(name))
		}
	}
	return all, nil
}

// scan yields the documents of a collection that a filter takes, each good until the next. An error comes last.
func scan(ctx context.Context, c *mongo.Collection, filter bson.D, opts ...options.Lister[options.FindOptions]) iter.Seq2[bson.Raw, error] {
	return func(yield func(bson.Raw, error) bool) {
		action := "reading collection " + c.Name()
		cursor, err := c.Find(ctx, filter, opts...)
		if err != nil {
			yield(nil, mongodb.Failed(action, err))
			return
		}
		defer func() { _ = cursor.Close(context.WithoutCancel(ctx)) }() // it ends by itself as well
		for cursor.Next(ctx) {
			if !yield(cursor.Current, nil) {
				return
			}
		}
		if err := cursor.Err(); err != nil {
			yield(nil, mongodb.Failed(action, err))
		}
	}
}

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
