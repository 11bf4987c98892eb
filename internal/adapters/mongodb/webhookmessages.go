package mongodb

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// SeenMessage notes a webhook message's id and tells whether it is the first
// time. To note it after its work is done, work that is safe to repeat, loses
// no message in a crash. Ids are forgotten after 30 days where the server
// can forget.
func (s *Store) SeenMessage(ctx context.Context, id string, at time.Time) (isFirst bool, err error) {
	return insert(ctx, "noting a message", s.messages, bson.D{{Key: "_id", Value: id}, {Key: "at", Value: at}})
}
