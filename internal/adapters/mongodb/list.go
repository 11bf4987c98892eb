package mongodb

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// list reads all documents that a filter takes into memory: options bound how many.
// doing is what the error says.
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
