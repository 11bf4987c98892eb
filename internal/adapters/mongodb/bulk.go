package mongodb

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/trial"
)

// bulkBatch is how many items are stored together.
const bulkBatch = 500

// bulkDocument is an operation as stored: what was asked for, which never changes,
// and how far it is, which only grows.
type bulkDocument struct {
	Key       string         `bson:"_id"`
	Operation bulk.Operation `json:"operation"`
	State     bulk.State     `json:"state"`
}

// bulkItemDocument is an item as stored. Its result is absent, not null, until
// it is known: null would be less than everything, but not nothing.
type bulkItemDocument struct {
	Key       string       `bson:"_id"`
	Operation string       `json:"operation"`
	Number    int          `json:"number"`
	VendorID  string       `json:"vendorId"`
	Days      int          `json:"days"`
	Left      *bulk.Change `json:"left"`
	Result    *bulk.Result `bson:"result,omitempty"`
}

func newBulkItem(operationID string, i bulk.Item) bulkItemDocument {
	return bulkItemDocument{
		Key: bulk.ItemKey(operationID, i.Number), Operation: operationID, Number: i.Number, VendorID: i.VendorID, Days: i.Days, Left: i.Left, Result: i.Result,
	}
}

func (d bulkItemDocument) item() bulk.Item {
	return bulk.Item{Number: d.Number, VendorID: d.VendorID, Days: d.Days, Left: d.Left, Result: d.Result}
}

// AddBulk stores an operation; one that is there already stays as it is.
func (s *Store) AddBulk(ctx context.Context, o bulk.Operation, state bulk.State) error {
	_, err := insert(ctx, "storing bulk operation "+o.ID, s.bulks, bulkDocument{Key: o.ID, Operation: o, State: state})
	return err
}

// Bulk is an operation and how far it is. Without one it is a *trial.Error with
// CodeNotFound.
func (s *Store) Bulk(ctx context.Context, id string) (bulk.Operation, bulk.State, error) {
	doc, found, err := find[bulkDocument](ctx, "reading bulk operation "+id, s.bulks, byID(id))
	if err == nil && !found {
		err = bulk.NotFound(id)
	}
	return doc.Operation, doc.State, err
}

// GrowBulk stores how far an operation is, unless more is stored already.
func (s *Store) GrowBulk(ctx context.Context, id string, state bulk.State) error {
	update := bson.D{{Key: "$max", Value: bson.D{{Key: "state", Value: state}}}}
	if err := s.bulks.FindOneAndUpdate(ctx, byID(id), update).Err(); err != nil {
		return failed("storing how far bulk operation "+id+" is", err)
	}
	return nil
}

// Bulks are up to limit operations, the latest first, from before the id given
// (empty: from the latest). next is the id to go on before, empty at the end.
func (s *Store) Bulks(ctx context.Context, before string, limit int) (views []bulk.View, next string, err error) {
	filter := bson.D{}
	if before != "" {
		filter = bson.D{{Key: "_id", Value: bson.D{{Key: "$lt", Value: before}}}}
	}
	docs, err := list[bulkDocument](ctx, "listing bulk operations", s.bulks, filter, options.Find().SetSort(bson.D{{Key: "_id", Value: -1}}).SetLimit(int64(limit+1)))
	if err != nil {
		return nil, "", err
	}
	if len(docs) > limit {
		docs = docs[:limit]
		next = docs[limit-1].Key
	}
	for _, doc := range docs {
		views = append(views, bulk.ViewOf(doc.Operation, doc.State))
	}
	return views, next, nil
}

// BulkParts are a vendor's part in all operations, in the order of their ids.
func (s *Store) BulkParts(ctx context.Context, vendorID string) ([]bulk.Part, error) {
	ctx, cancel := context.WithTimeout(ctx, scanLimit)
	defer cancel()
	docs, err := list[bulkItemDocument](ctx, "looking for bulk operations on "+vendorID, s.bulkItems, bson.D{{Key: "vendorId", Value: vendorID}}, options.Find().SetSort(ascending("_id")))
	if err != nil {
		return nil, err
	}
	parts := make([]bulk.Part, 0, len(docs))
	for _, doc := range docs {
		o, _, err := s.Bulk(ctx, doc.Operation)
		if err != nil && trial.CodeOf(err) != trial.CodeNotFound {
			return nil, err
		}
		o.ID = doc.Operation
		parts = append(parts, o.Part(doc.item()))
	}
	return parts, nil
}

// AddBulkItems stores items. Those that are there already stay as they are.
func (s *Store) AddBulkItems(ctx context.Context, id string, items []bulk.Item) error {
	for from := 0; from < len(items); from += bulkBatch {
		var docs []bulkItemDocument
		for _, i := range items[from:min(from+bulkBatch, len(items))] {
			docs = append(docs, newBulkItem(id, i))
		}
		_, err := s.bulkItems.InsertMany(ctx, docs, options.InsertMany().SetOrdered(false))
		if err != nil && !onlyDuplicates(err) {
			return failed(fmt.Sprintf("storing items of bulk operation %s from %d on", id, docs[0].Number), err)
		}
	}
	return nil
}

// onlyDuplicates tells whether nothing went wrong but that documents were there.
func onlyDuplicates(err error) bool {
	several, ok := errors.AsType[mongo.BulkWriteException](err)
	if !ok || several.WriteConcernError != nil {
		return false
	}
	for _, e := range several.WriteErrors {
		if !mongo.IsDuplicateKeyError(e) {
			return false
		}
	}
	return true
}

// BulkItem is one item of an operation, and whether there is one of that number.
func (s *Store) BulkItem(ctx context.Context, id string, number int) (bulk.Item, bool, error) {
	action := fmt.Sprintf("reading item %d of bulk operation %s", number, id)
	doc, found, err := find[bulkItemDocument](ctx, action, s.bulkItems, byID(bulk.ItemKey(id, number)))
	return doc.item(), found, err
}

// SettleBulkItem notes what became of an item, unless something weightier is
// noted already, and answers with what stands.
func (s *Store) SettleBulkItem(ctx context.Context, id string, number int, r bulk.Result) (bulk.Result, error) {
	var doc bulkItemDocument
	update := bson.D{{Key: "$max", Value: bson.D{{Key: "result", Value: r}}}}
	err := s.bulkItems.FindOneAndUpdate(ctx, byID(bulk.ItemKey(id, number)), update, options.FindOneAndUpdate().SetReturnDocument(options.After)).Decode(&doc)
	if err == nil && doc.Result == nil {
		err = errors.New("the result is gone")
	}
	if err != nil {
		return bulk.Result{}, failed(fmt.Sprintf("noting what became of item %d of bulk operation %s", number, id), err)
	}
	return *doc.Result, nil
}
