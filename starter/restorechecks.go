package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/adapters/backup"
	"marketplace.example/trials/internal/adapters/recovery"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/temporal"
)

// restoredFrom tells whose backups a moment is restored from: the installation's that was named, else the only one's
// that has any, else that of the database itself.
func (a *app) restoredFrom(ctx context.Context, listed backup.Listed, database, named string, store recovery.Store, elsewhere bool) (backup.Origin, error) {
	newest := map[string]time.Time{}
	for _, m := range listed.Finished() {
		if m.Database == database && m.End.After(newest[m.Installation]) {
			newest[m.Installation] = m.End
		}
	}
	var ids, described []string
	for id, at := range newest {
		ids = append(ids, id)
		described = append(described, fmt.Sprintf("%s, the newest of %s", id, at.UTC().Format(clock)))
	}
	slices.Sort(described)
	switch {
	case len(ids) == 0:
		return backup.Origin{}, fmt.Errorf("there is no backup of database %s", database)
	case named != "" && newest[named].IsZero():
		return backup.Origin{}, fmt.Errorf("there is no backup of installation %.80q; there are backups of %s", named, strings.Join(described, "; "))
	case named != "":
		return backup.Origin{Installation: named, Database: database}, nil
	case len(ids) == 1:
		return backup.Origin{Installation: ids[0], Database: database}, nil
	}
	var own backup.Origin
	var found bool
	if !elsewhere {
		var err error
		if own, found, err = store.KnownOrigin(ctx); err != nil {
			return own, err
		}
	}
	if !found || newest[own.Installation].IsZero() {
		return own, usagef("several installations keep backups of a database %s here: say with --installation which is meant: %s",
			database, strings.Join(described, "; "))
	}
	return own, nil
}

// keptInstallation is the id that the database has after the restore: its own where it has one. Another
// installation's backup is refused unless it was named.
func keptInstallation(own backup.Origin, found bool, origin backup.Origin, named string) (string, error) {
	switch {
	case !found:
		return origin.Installation, nil
	case own.Installation != origin.Installation && named == "":
		return "", usagef("database %s is that of installation %s, and the backups are of installation %s; nothing was touched. Where they are meant, say --installation %s",
			own.Database, own.Installation, origin.Installation, origin.Installation)
	}
	return own.Installation, nil
}

// makeRoom refuses a database that is not empty, or empties it where that is asked for and confirmed. Whatever else
// could stop the restore is looked at before.
func (a *app) makeRoom(ctx context.Context, store recovery.Store, o restoreOptions, elsewhere bool) error {
	occupied, err := store.Occupied(ctx)
	if err != nil {
		return err
	}
	if occupied != "" && !o.replace {
		return usagef("database %s is not empty, collection %s has documents: fill another one with --into, or delete what is there with --replace",
			store.Database().Name(), occupied)
	}
	if occupied != "" && !o.yes {
		return usagef("--replace deletes every document of database %s, those of the marketplace too, but who wants no e-mail, was erased or has converted, and revoked tokens: say --yes if that is meant",
			store.Database().Name())
	}
	if err := a.nobodyWrites(ctx, store, o, elsewhere); err != nil || occupied == "" {
		return err
	}
	return store.Clear(ctx)
}

// nobodyWrites refuses to restore while processes of the product write to the database, unless that is said twice.
// Workers may have lost the database, and so are looked for in Temporal too, which has to answer for what follows.
func (a *app) nobodyWrites(ctx context.Context, store recovery.Store, o restoreOptions, elsewhere bool) error {
	if o.whileRunning {
		if !o.yes {
			return usagef("--even-while-running loses what api and worker write meanwhile: say --yes if that is meant")
		}
		if o.noCatchUp || elsewhere {
			return nil
		}
	}
	var client *temporal.Client
	if !elsewhere && !o.noCatchUp {
		settings, err := a.setupConfig(o.setup())
		if err != nil {
			return err
		}
		if client, err = temporal.Dial(settings.TaskQueue, zap.NewNop()); err != nil {
			return err
		}
		defer client.Close()
	}
	before, err := signs(ctx, store, client)
	if err != nil {
		return fmt.Errorf("nothing was touched: %w", err)
	}
	if o.whileRunning {
		return nil
	}
	lately := recentlyActive(before, a.now())
	if len(lately) == 0 {
		return nil
	}
	a.printf("Waiting %s to see whether these have been stopped: %s.\n", signWithin, strings.Join(lately, ", "))
	if err := a.pause(ctx, signWithin); err != nil {
		return err
	}
	after, err := signs(ctx, store, client)
	if err != nil {
		return fmt.Errorf("nothing was touched: %w", err)
	}
	if alive := changedSince(before, after); len(alive) > 0 {
		return usagef("these run and write to the database: %s; nothing was touched. Stop api and workers first (or say --even-while-running --yes, and lose what they write)",
			strings.Join(alive, ", "))
	}
	return nil
}

// signWithin is after how long a process that lives has shown another sign of it: it samples itself four times a
// minute, and a worker asks Temporal for work once a minute at least.
const signWithin = 75 * time.Second

// signs is when each process last sampled itself and, with a client, each worker last asked Temporal for work, by name.
func signs(ctx context.Context, store recovery.Store, client *temporal.Client) (map[string]time.Time, error) {
	processes, err := store.Processes(ctx)
	if err != nil {
		return nil, err
	}
	signs := map[string]time.Time{}
	for _, p := range processes {
		signs[p.Role+" "+p.Instance] = p.Last()
	}
	if client == nil {
		return signs, nil
	}
	polls, err := client.Polls(ctx)
	if err != nil {
		return nil, errors.Join(errors.New("the trials could not catch up with their workflows; say --no-catch-up to restore without"), err)
	}
	for who, at := range polls {
		signs["worker "+who+" in Temporal"] = at
	}
	return signs, nil
}

// recentlyActive names the processes whose last sign is so young that they may live. A sign of the future
// is one: somebody's clock is wrong.
func recentlyActive(signs map[string]time.Time, now time.Time) (names []string) {
	for name, at := range signs {
		if now.Sub(at) < signWithin+monitoring.SampleEvery {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// changedSince names the processes that have given another sign meanwhile, and those that have come.
func changedSince(before, after map[string]time.Time) (names []string) {
	for name, at := range after {
		if was, known := before[name]; !known || at.After(was) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
