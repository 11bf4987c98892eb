package mongodb

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// byID is the filter that is fast on every server.
func byID(id any) bson.D { return bson.D{{Key: "_id", Value: id}} }

// list reads all documents that a filter takes into memory: options bound how many. action is what the error says.
func list[T any](ctx context.Context, action string, from *mongo.Collection, filter bson.D, opts ...options.Lister[options.FindOptions]) ([]T, error) {
	cursor, err := from.Find(ctx, filter, opts...)
	if err != nil {
		return nil, failed(action, err)
	}
	var docs []T
	if err := cursor.All(ctx, &docs); err != nil {
		return nil, failed(action, err)
	}
	return docs, nil
}

// find reads the first document that a filter takes, and tells whether there is one. Without one, it is the zero document.
func find[T any](ctx context.Context, action string, from *mongo.Collection, filter bson.D, opts ...options.Lister[options.FindOneOptions]) (doc T, found bool, err error) {
	err = from.FindOne(ctx, filter, opts...).Decode(&doc)
	if err == nil {
		return doc, true, nil
	}
	var none T
	if errors.Is(err, mongo.ErrNoDocuments) {
		return none, false, nil
	}
	return none, false, failed(action, err)
}

// findSequence reads up to limit documents that are numbered without gaps from 1 on, starting with number from, and returns what
// callers know of each. They are read key by key, which costs as much as there are, however many others the collection has.
func findSequence[D, T any](
	ctx context.Context, action string, c *mongo.Collection, key func(seq int) string, from, limit int, content func(D) T,
) (parts []T, err error) {
	for seq := max(from, 1); len(parts) < limit; seq++ {
		doc, found, err := find[D](ctx, action, c, byID(key(seq)))
		if err != nil {
			return nil, err
		}
		if !found {
			break
		}
		parts = append(parts, content(doc))
	}
	return parts, nil
}

// insert stores a new document, and tells whether it did: not where there is one of its id.
func insert(ctx context.Context, action string, c *mongo.Collection, doc any) (isNew bool, err error) {
	_, err = c.InsertOne(ctx, doc)
	if err == nil || mongo.IsDuplicateKeyError(err) {
		return err == nil, nil
	}
	return false, failed(action, err)
}

// update changes the document that a filter takes, if there is one.
func update(ctx context.Context, action string, c *mongo.Collection, filter, change bson.D) error {
	return unlessMissing(action, c.FindOneAndUpdate(ctx, filter, change).Err())
}

// upsert changes the document of an id, or makes it.
func upsert(ctx context.Context, action string, c *mongo.Collection, id any, change bson.D) error {
	return unlessMissing(action, c.FindOneAndUpdate(ctx, byID(id), change, options.FindOneAndUpdate().SetUpsert(true)).Err())
}

// put replaces the document of an id, or makes it.
func put(ctx context.Context, action string, c *mongo.Collection, id, doc any) error {
	return unlessMissing(action, c.FindOneAndReplace(ctx, byID(id), doc, options.FindOneAndReplace().SetUpsert(true)).Err())
}

// unlessMissing is failed, but nil where there was no document, which the server also says of one that it has made.
func unlessMissing(action string, err error) error {
	if err == nil || errors.Is(err, mongo.ErrNoDocuments) {
		return nil
	}
	return failed(action, err)
}

// changes is an update by those of the operators that have something to do.
func changes(operators ...bson.E) (update bson.D) {
	for _, o := range operators {
		if fields, ok := o.Value.(bson.D); ok && len(fields) > 0 {
			update = append(update, o)
		}
	}
	return update
}

// contents are what callers know of documents.
func contents[D, T any](docs []D, content func(D) T) []T {
	parts := make([]T, 0, len(docs))
	for _, doc := range docs {
		parts = append(parts, content(doc))
	}
	return parts
}
