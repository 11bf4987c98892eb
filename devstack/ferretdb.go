package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/FerretDB/FerretDB/ferretdb"

	"marketplace.example/trials/devstack/relay"
)

// startFerretDB serves MongoDB's protocol at address (host:port, port 0 for a
// free one) from SQLite files in dir, and returns the URI to connect to.
// Clients reach FerretDB through a relay, since its own updates are not atomic.
func startFerretDB(ctx context.Context, p *parts, address, dir string, durable bool, logger *slog.Logger) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make the database's directory: %w", err)
	}
	sqliteURL, err := sqliteURL(dir, durable)
	if err != nil {
		return "", err
	}
	db, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: "127.0.0.1:0"},
		Logger:    logger,
		Handler:   "sqlite",
		SQLiteURL: sqliteURL,
	})
	if err != nil {
		return "", fmt.Errorf("start FerretDB: %w", err)
	}
	p.run("ferretdb", db.Run)

	inner, err := url.Parse(db.MongoDBURI())
	if err != nil {
		return "", fmt.Errorf("read FerretDB's address: %w", err)
	}
	front, err := relay.Listen(ctx, address, inner.Host, logger)
	if err != nil {
		return "", err
	}
	front.OnNewCollection = idIndexes{dir: dir, logger: logger}.ensure
	p.run("relay", front.Serve)
	return (&url.URL{Scheme: "mongodb", Host: front.Addr(), Path: "/"}).String(), nil
}

// sqliteURL names dir in FerretDB's form. Data that need not outlive the
// process is not synced to the disk; durable data survives a crash of the
// process, though not of the machine.
func sqliteURL(dir string, durable bool) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find the database's directory: %w", err)
	}
	synchronous := "synchronous(off)"
	if durable {
		synchronous = "synchronous(normal)"
	}
	query := url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(wal)", synchronous}}
	path := (&url.URL{Path: strings.TrimSuffix(filepath.ToSlash(dir), "/") + "/"}).EscapedPath()
	return "file:" + path + "?" + query.Encode(), nil
}
