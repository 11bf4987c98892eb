// Package harness is the frame of the programs under test/: flags, signals, the embedded stack and the systems on it,
// waiting, and the exit code.
package harness

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"marketplace.example/trials/test/stack"
	"marketplace.example/trials/test/system"
)

// Main reads the flags, runs a program until it returns or is interrupted, and ends the process: with 1 where there is
// an error. The program prints its results to out.
func Main(name string, run func(ctx context.Context, out io.Writer) error) {
	flag.Parse() //nolint:revive // this is the programs' main
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1) //nolint:revive // as above
	}
}

// Env is what a program runs on.
type Env struct {
	Stack *stack.Stack
	// Mongo is a client of the stack's database.
	Mongo *mongo.Client
	// Dir takes logs and whatever else lies in files.
	Dir string
}

// WithStack calls run with an embedded stack that lives as long. Its folder is removed afterwards, unless run fails.
func WithStack(ctx context.Context, name string, run func(*Env) error) error {
	dir, err := os.MkdirTemp("", "trials-"+name+"-")
	if err != nil {
		return fmt.Errorf("making a folder for logs: %w", err)
	}
	if err := WithStackIn(ctx, dir, run); err != nil {
		return fmt.Errorf("%w\nthe processes' logs are in %s", err, dir)
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("removing the folder for logs: %w", err)
	}
	return nil
}

// WithStackIn is WithStack with a folder that stays.
func WithStackIn(ctx context.Context, dir string, run func(*Env) error) (err error) {
	embedded, err := stack.Start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, embedded.Stop()) }()
	client, err := mongo.Connect(options.Client().ApplyURI(embedded.MongoDB))
	if err != nil {
		return fmt.Errorf("connecting to the database: %w", err)
	}
	defer func() { _ = client.Disconnect(context.WithoutCancel(ctx)) }()
	return run(&Env{Stack: embedded, Mongo: client, Dir: dir})
}

// System starts a system on the stack. Database, namespace and the folder of its logs have the name given; where it is
// empty they are the defaults, and Dir.
func (e *Env) System(ctx context.Context, name string, o system.Options) (*system.System, error) {
	o.Stack, o.Database, o.Namespace, o.LogDir = e.Stack, name, name, filepath.Join(e.Dir, name)
	if err := os.MkdirAll(o.LogDir, 0o700); err != nil {
		return nil, fmt.Errorf("making a folder for logs: %w", err)
	}
	s, err := system.Start(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("starting system %s: %w", cmp.Or(name, "marketplace"), err)
	}
	return s, nil
}

// Find reads the documents of a collection that a filter means.
func Find[T any](ctx context.Context, db *mongo.Database, collection string, filter bson.M) (docs []T, err error) {
	cursor, err := db.Collection(collection).Find(ctx, filter)
	if err == nil {
		err = cursor.All(ctx, &docs)
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s of %s: %w", collection, db.Name(), err)
	}
	return docs, nil
}

// Sleep lets time pass; its error is that the context has ended.
func Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return fmt.Errorf("waiting: %w", ctx.Err())
	case <-time.After(d):
		return nil
	}
}

// Until asks every so often until the answer is yes or an error. After the limit it fails.
func Until(ctx context.Context, limit, every time.Duration, ask func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		if yes, err := ask(); yes || err != nil {
			return err
		}
		if err := Sleep(ctx, every); err != nil {
			return fmt.Errorf("after %s at the most: %w", limit, err)
		}
	}
}
