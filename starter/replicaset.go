package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// alreadyInitialized is MongoDB's code for an existing replica set.
const alreadyInitialized = 23

// replicaSet is a replica set to create.
type replicaSet struct {
	name    string
	hosts   []string
	options *options.ClientOptions
}

// newReplicaSet reads NAME/HOST,HOST as MongoDB writes it. The connection goes to the first host directly, since there is no
// set yet.
func newReplicaSet(set, uri string) (*replicaSet, error) {
	name, list, _ := strings.Cut(set, "/")
	hosts := strings.Split(list, ",")
	if name == "" || slices.Contains(hosts, "") {
		return nil, usagef("--replica-set: %.80q is not a name and its members, such as rs0/mongodb:27017", set)
	}
	o := options.Client().ApplyURI(uri)
	if err := o.Validate(); err != nil || len(o.Hosts) == 0 {
		return nil, usagef("%s: is not a connection string that MongoDB's driver takes", variableMongoDB)
	}
	o.SetHosts(o.Hosts[:1]).SetDirect(true).ReplicaSet = nil
	return &replicaSet{name: name, hosts: hosts, options: o}, nil
}

// initiate creates the set, unless it exists.
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
