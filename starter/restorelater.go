package main

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"marketplace.example/trials/internal/adapters/backup"
	"marketplace.example/trials/internal/adapters/recovery"
)

// laterBackups are backups of after the moment that is restored, the newest first. They may have
// the documents of vendors who came since.
type laterBackups struct {
	repository *backup.Repository
	manifests  []backup.Manifest
	printf     func(format string, args ...any)
}

// where says where a vendor's document has been looked for.
func (l laterBackups) where() string {
	if l.repository == nil {
		return "the database"
	}
	return "any backup"
}

// lostVendors gets the documents of vendors who have a workflow and no document from the newest backup that
// knows of their trial, and compares their trials again: what their workflows know of them is noted in the document.
func (c *catching) lostVendors(ctx context.Context, later laterBackups) error {
	missing := maps.Clone(c.noVendor)
	for _, m := range later.manifests {
		if len(missing) == 0 {
			break
		}
		if _, err := later.repository.Restorable(ctx, m.ID); err != nil {
			later.printf("Vendors are not looked for in one backup: %s\n", printable(err.Error()))
			continue
		}
		done, err := c.store.RestoreVendors(ctx, func(fn func(backup.Records) error) error { return later.repository.Open(ctx, m, fn) }, missing)
		if err != nil {
			return fmt.Errorf("getting vendors from backup %s: %w", m.ID, err)
		}
		c.noteRestored(done)
	}
	runs := c.withoutVendor
	for _, run := range runs {
		if c.noVendor[run.VendorID] || c.refused[run.VendorID] {
			continue
		}
		if _, err := c.one(ctx, run); err != nil {
			return err
		}
	}
	return nil
}

// noteRestored keeps which of the vendors without a document have one now, or could have had one.
func (c *catching) noteRestored(done recovery.RestoredVendors) {
	c.found += len(done.Found)
	for _, id := range slices.Concat(done.Found, done.Refused) {
		delete(c.noVendor, id)
	}
	for _, id := range done.Refused {
		c.refused[id] = true
	}
}
