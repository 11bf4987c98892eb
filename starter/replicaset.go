package main

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// alreadyInitialized is MongoDB's code for a replica set that is there.
const alreadyInitialized = 23

// replicaSet is a replica set to make.
type replicaSet struct {
	name    string
	hosts   []string
	options *options.ClientOptions
}

// newReplicaSet takes the set's name and members from the connection string of its clients.
func newReplicaSet(uri string) (*replicaSet, error) {
	o := options.Client().ApplyURI(uri)
	if err := o.Validate(); err != nil {
		return nil, usagef("%s: is not a connection string that MongoDB's driver takes", variableMongoDB)
	}
	if o.ReplicaSet == nil || *o.ReplicaSet == "" {
		return nil, usagef("%s: names no replica set; add ?replicaSet=rs0 to make one", variableMongoDB)
	}
	set := &replicaSet{name: *o.ReplicaSet, hosts: o.Hosts, options: o}
	// Until the set is made its first member is talked to by itself.
	set.options.SetHosts(o.Hosts[:1]).SetDirect(true).ReplicaSet = nil
	return set, nil
}

// initiate makes the set, or leaves it as it is.
func (s *replicaSet) initiate(ctx context.Context) error {
	member, err := mongo.Connect(s.options)
	if err != nil {
		return fmt.Errorf("connecting to MongoDB: %w", err)
	}
	defer member.Disconnect(context.WithoutCancel(ctx)) //nolint:errcheck // the set is made or not

	members := make(bson.A, 0, len(s.hosts))
	for i, host := range s.hosts {
		members = append(members, bson.D{{Key: "_id", Value: i}, {Key: "host", Value: host}})
	}
	set := bson.D{{Key: "_id", Value: s.name}, {Key: "members", Value: members}}
	err = member.Database("admin").RunCommand(ctx, bson.D{{Key: "replSetInitiate", Value: set}}).Err()
	var refused mongo.CommandError
	if errors.As(err, &refused) && refused.Code == alreadyInitialized {
		return nil
	}
	if err != nil {
		return fmt.Errorf("making replica set %s: %w", s.name, err)
	}
	return nil
}
