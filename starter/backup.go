package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"marketplace.example/trials/internal/adapters/backup"
	"marketplace.example/trials/internal/adapters/mongodb"
	"marketplace.example/trials/internal/adapters/recovery"
	"marketplace.example/trials/internal/adapters/storage"
	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/platform/config"
)

// backupOptions say which database is meant, and where its backups are kept.
type backupOptions struct {
	mongodb string
	dir     string
}

func (o *backupOptions) flags(c *cobra.Command) {
	c.Flags().StringVar(&o.mongodb, "mongodb", "", "the connection string of MongoDB (default MONGODB_URI)")
	c.Flags().StringVar(&o.dir, "dir", "", "the folder that backups are kept in (default BACKUP_DIR, or the bucket BACKUP_S3_BUCKET)")
}

const aboutBackups = "\n\nBackups are kept in the folder BACKUP_DIR or in the bucket BACKUP_S3_BUCKET, under BACKUP_S3_PREFIX;\n" +
	"encrypted for BACKUP_AGE_RECIPIENT, opened with the keys in BACKUP_AGE_IDENTITY_FILE. docs/backup.md\n" +
	"says what they hold."

func (a *app) backup() *cobra.Command {
	group := &cobra.Command{
		Use: "backup", Short: "Take, list and verify backups of the database",
		Example: examples("starter backup full", "starter backup list", "starter backup verify"),
	}
	group.AddCommand(
		a.backupTake(backup.Full, "Take a backup of every document"),
		a.backupTake(backup.Incremental, "Take a backup of what is different from the last full one"),
		a.backupList(), a.backupVerify(),
	)
	return group
}

// repository opens the place where backups are kept.
func (a *app) repository(ctx context.Context, o backupOptions) (*backup.Repository, config.Config, error) {
	settings, err := a.storeConfig(o.mongodb)
	if err != nil {
		return nil, settings, err
	}
	if o.dir != "" {
		settings.BackupDir, settings.BackupS3Bucket = o.dir, ""
	}
	repository, err := storage.Open(ctx, settings, a.now)
	if err != nil {
		return nil, settings, usagef("%s", err)
	}
	return repository, settings, nil
}

func (a *app) backupTake(kind backup.Kind, short string) *cobra.Command {
	var o backupOptions
	command := &cobra.Command{
		Use: string(kind), Short: short, Args: cobra.NoArgs,
		Long: short + ", read it back, and delete those that have\nexpired. The system may run meanwhile. An incremental one becomes a full one where there is no full\n" +
			"one of the last day." + aboutBackups,
		Example: examples("starter backup " + string(kind)),
	}
	o.flags(command)
	command.RunE = func(c *cobra.Command, _ []string) error { return a.runBackup(c.Context(), o, kind) }
	return command
}

func (a *app) runBackup(ctx context.Context, o backupOptions, kind backup.Kind) error {
	repository, settings, err := a.repository(ctx, o)
	if err != nil {
		return err
	}
	store, err := mongodb.Connect(ctx, settings.MongoDBURI, settings.MongoDBDatabase)
	if err != nil {
		return err
	}
	defer store.Close(context.WithoutCancel(ctx)) //nolint:errcheck // the work is done, or its error says more
	m, expiry, err := recovery.Store{Store: store}.BackUp(ctx, repository, kind)
	if m.ID == "" {
		return err
	}
	if a.options.json {
		return errors.Join(a.printValue(m), err)
	}
	a.printf("Backup %s of %s in %s: %s, %d bytes, read back.\n", m.ID, m.Database, repository.Storage, evidence.Counted(m.Documents(), "document", "documents"), m.Size)
	if !m.Encrypted {
		a.printf("It is not encrypted: set BACKUP_AGE_RECIPIENT.\n")
	}
	for _, id := range expiry.IDs {
		a.printf("Backup %s has expired and is deleted.\n", id)
	}
	if expiry.Doubt != "" {
		a.printf("Older backups are kept: %s.\n", expiry.Doubt)
	}
	return err
}

func (a *app) backupList() *cobra.Command {
	var o backupOptions
	command := &cobra.Command{
		Use: "list", Short: "List the backups, and what lies there and is none", Args: cobra.NoArgs,
		Long:    "Lists the backups, of all databases, and files that are no good. Only lengths are looked at: see \"starter backup verify\"." + aboutBackups,
		Example: examples("starter backup list", "starter backup list --json"),
	}
	o.flags(command)
	command.RunE = func(c *cobra.Command, _ []string) error {
		repository, _, err := a.repository(c.Context(), o)
		if err != nil {
			return err
		}
		listed, err := repository.List(c.Context())
		if err != nil {
			return err
		}
		if a.options.json {
			return a.printValue(listed.Good)
		}
		return a.printBackups(listed)
	}
	return command
}

func (a *app) printBackups(listed backup.Listed) error {
	if len(listed.Good) == 0 {
		a.printf("There is no backup.\n")
	} else {
		t := table{header: []string{"BACKUP", "INSTALLATION", "DATABASE", "TAKEN", "DOCUMENTS", "BYTES", "ENCRYPTED"}}
		for _, m := range listed.Good {
			t.row(m.ID, m.Installation, printable(m.Database), formatTime(backup.WholeSecond(m.End), a.now()), strconv.Itoa(m.Documents()), strconv.FormatInt(m.Size, 10), strconv.FormatBool(m.Encrypted))
		}
		if err := t.write(a.out); err != nil {
			return err
		}
	}
	for _, m := range listed.Good {
		if m.Future(a.now()) {
			a.printf("Backup %s is dated in the future, so a clock was wrong: nothing is restored from it, and none is taken until it is moved away.\n", m.ID)
		}
	}
	for i := range listed.Bad {
		a.printf("%s\n", printable(listed.Bad[i].Error()))
	}
	return nil
}

func (a *app) backupVerify() *cobra.Command {
	var o backupOptions
	command := &cobra.Command{
		Use: "verify [BACKUP]", Short: "Read one backup, or all, to the end", Args: cobra.MaximumNArgs(1),
		Long:    "Reads one backup, or all, to the end, and their bases: checksums, keys, counts." + aboutBackups,
		Example: examples("starter backup verify", "starter backup verify 20260310T120000.000Z-full"),
	}
	o.flags(command)
	command.RunE = func(c *cobra.Command, args []string) error { return a.runVerify(c.Context(), o, args) }
	return command
}

func (a *app) runVerify(ctx context.Context, o backupOptions, ids []string) error {
	repository, _, err := a.repository(ctx, o)
	if err != nil {
		return err
	}
	var refused error
	if len(ids) == 0 {
		listed, err := repository.List(ctx)
		if err != nil {
			return err
		}
		for _, m := range listed.Good {
			ids = append(ids, m.ID)
		}
		for i := range listed.Bad {
			refused = &listed.Bad[i]
			a.printf("%s\n", printable(refused.Error()))
		}
	}
	for _, id := range ids {
		m, err := repository.Verify(ctx, id)
		if err != nil {
			refused = err
			a.printf("%s\n", printable(err.Error()))
			continue
		}
		unread := ""
		if m.Encrypted && len(repository.Identities) == 0 {
			unread = " (its checksum only: it is encrypted, and no key is given)"
		}
		a.printf("%s is good: %s%s\n", m.ID, evidence.Counted(m.Documents(), "document", "documents"), unread)
	}
	return refused
}

// pastTime reads a moment as in RFC 3339; nothing is now.
func pastTime(text string, now time.Time) (time.Time, error) {
	t, err := parseTime("at", text)
	if err != nil {
		return time.Time{}, err
	}
	if t == nil {
		return now, nil
	}
	if t.After(now) {
		return time.Time{}, usagef("--at: %s is yet to come", text)
	}
	return *t, nil
}
