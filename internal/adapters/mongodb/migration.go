package mongodb

import (
	"context"
	"errors"
	"strconv"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"marketplace.example/trials/internal/domain/migration"
	"marketplace.example/trials/internal/domain/trial"
)

// MigrationPage is how many users a page of a migration has where nothing else
// is said. The embedded database reads the whole collection for each.
const MigrationPage = 1000

// Migration says how a migration is to be carried out. Every field is needed but
// Page and OnProgress.
type Migration struct {
	Policy trial.Policy
	// Day is how long a day of the trials lasts.
	Day time.Duration
	Now func() time.Time
	// Page is how many users are read at once; MigrationPage where it is 0.
	Page int
	// OnProgress is given the progress after each page.
	OnProgress func(migration.Progress)
}

// progressDocument is how far a migration is. While a pass is under way it holds
// the id that a page ended with, whatever that is; afterwards none. Its state only grows, by $max over
// a document whose first field counts what happened: of two that run at once
// the one that is further stands.
type progressDocument struct {
	Version string             `bson:"_id"`
	State   migration.Progress `json:"state"`
}

// MigrationProgress is how far a migration is, and whether it was ever begun.
func (s *Store) MigrationProgress(ctx context.Context, v migration.Version) (migration.Progress, bool, error) {
	doc, found, err := find[progressDocument](ctx, "reading how far the migration is", s.passes, byID(strconv.Itoa(v.Number)))
	return doc.State, found, err
}

func (s *Store) putProgress(ctx context.Context, p migration.Progress) error {
	further := bson.D{{Key: "$max", Value: bson.D{{Key: "state", Value: p}}}}
	return upsert(ctx, "storing how far the migration is", s.passes, strconv.Itoa(p.Version), further)
}

// Migrate goes through all users and gives the vendors among them what they
// lack, as far as that can be decided. A pass that was interrupted is gone on
// with; after one that is finished it makes another. It may run while the system does.
func (s *Store) Migrate(ctx context.Context, v migration.Version, m Migration) (migration.Progress, error) {
	p, err := s.beginPass(ctx, v, m)
	for err == nil && p.FinishedAt == nil {
		if p, err = s.turnPage(ctx, p, m); err == nil && m.OnProgress != nil {
			m.OnProgress(p)
		}
	}
	return p, err
}

// beginPass is the pass that is under way, or a new one.
func (s *Store) beginPass(ctx context.Context, v migration.Version, m Migration) (migration.Progress, error) {
	before, found, err := s.MigrationProgress(ctx, v)
	if err != nil || found && before.FinishedAt == nil {
		return before, err
	}
	terms, err := s.terms(ctx, m)
	if err != nil {
		return before, err
	}
	p := migration.Begin(v, before, terms)
	return p, s.putProgress(ctx, p)
}

func (s *Store) terms(ctx context.Context, m Migration) (migration.Terms, error) {
	flags, err := s.Flags(ctx)
	return migration.Terms{At: stored(m.Now()), Flags: flags, Policy: m.Policy, Day: m.Day}, err
}

// turnPage carries out one page. It is counted before anything is changed: the
// same page, met again after a crash, would find done what it did.
func (s *Store) turnPage(ctx context.Context, p migration.Progress, m Migration) (migration.Progress, error) {
	found, err := s.usersPage(ctx, p, m.Page)
	if err != nil {
		return p, err
	}
	if p.Page == nil {
		page, err := s.planPage(ctx, p, found)
		if err != nil {
			return p, err
		}
		p = p.Turn(page)
		if err := s.putProgress(ctx, p); err != nil {
			return p, err
		}
	}
	var refused []migration.Refusal
	for _, raw := range found.users {
		err := s.migrateUser(ctx, raw, p.Terms)
		if isRefused(err) { // one document is no reason to leave the others
			refused = append(refused, migration.Refusal{ID: pageID(raw), Code: refusalCode(err)})
			continue
		}
		if err != nil {
			return p, err
		}
	}
	p = p.Turned(stored(m.Now()), refused...)
	return p, s.putProgress(ctx, p)
}

// usersFound are some users in the order of their ids, without names and addresses.
type usersFound struct {
	users []bson.Raw
	// last says that the section has no more.
	last bool
}

// usersPage reads the next page of the section, or the one that was being carried out.
func (s *Store) usersPage(ctx context.Context, p migration.Progress, size int) (usersFound, error) {
	ctx, cancel := context.WithTimeout(ctx, scanLimit)
	defer cancel()
	if size == 0 {
		size = MigrationPage
	}
	size = max(size, 2) // a page that ended with the id "" would be followed by itself
	find := options.Find().SetProjection(looked()).SetSort(ascending("_id"))
	whole := p.Section == migration.OtherIDs || p.Page != nil
	if !whole {
		find.SetLimit(int64(size)).SetBatchSize(int32(min(size, MigrationPage)))
	}
	found, err := list[bson.Raw](ctx, "reading users to migrate", s.users, sectionFilter(p), find)
	if err != nil {
		return usersFound{}, err
	}
	return usersFound{users: found, last: whole || len(found) < size}, nil
}

// looked are the fields that a migration looks at.
func looked() bson.D {
	return ascending(migration.FieldID, migration.FieldIsVendor, migration.FieldStart, migration.FieldCreatedAt, migration.FieldAutomation, "timezone")
}

// sectionFilter is the ids of a section behind those that are done and, while a
// page is being carried out, up to its end. A comparison finds ids of its own type only.
func sectionFilter(p migration.Progress) bson.D {
	if p.Section == migration.OtherIDs {
		text, object := bson.D{{Key: "_id", Value: bson.D{{Key: "$type", Value: "string"}}}}, bson.D{{Key: "_id", Value: bson.D{{Key: "$type", Value: "objectId"}}}}
		return bson.D{{Key: "$nor", Value: bson.A{text, object}}}
	}
	var ids bson.D
	if p.After == "" {
		ids = append(ids, bson.E{Key: "$gte", Value: sectionID(p.Section, "")})
	} else {
		ids = append(ids, bson.E{Key: "$gt", Value: sectionID(p.Section, p.After)})
	}
	if p.Page != nil {
		ids = append(ids, bson.E{Key: "$lte", Value: sectionID(p.Section, p.Page.To)})
	}
	return bson.D{{Key: "_id", Value: ids}}
}

// sectionID is an id of a section from its text; the least one from an empty text.
func sectionID(section migration.Section, text string) any {
	if section == migration.TextIDs {
		return text
	}
	id, _ := bson.ObjectIDFromHex(text) // the least id where it is none
	return id
}

// planPage counts what is to become of a page's users.
func (s *Store) planPage(ctx context.Context, p migration.Progress, found usersFound) (migration.Page, error) {
	page := migration.Page{Last: found.last}
	for _, raw := range found.users {
		d, err := s.decideUser(ctx, raw, p.Terms)
		if err != nil {
			return page, err
		}
		page.Counts.Note(d)
		page.To = pageID(raw)
	}
	return page, nil
}

func pageID(raw bson.Raw) string { return vendorID(raw.Lookup("_id")) }

// decideUser decides on a user. What is on record beside the document is looked
// up only where it may matter.
func (s *Store) decideUser(ctx context.Context, raw bson.Raw, t migration.Terms) (migration.Decision, error) {
	u := readForMigration(raw)
	d := migration.Decide(u, t)
	if !d.Unrecorded() {
		return d, nil
	}
	known, err := s.known(ctx, u.ID)
	if err != nil || known == nil {
		return d, err
	}
	u.Known = known
	return migration.Decide(u, t), nil
}

// known is the registration or the trial on record for a vendor; nil for neither.
func (s *Store) known(ctx context.Context, id string) (*migration.Known, error) {
	r, err := s.decided(ctx, id, registration{})
	if err != nil || r.Cohort == "" {
		return nil, err
	}
	return &migration.Known{StartedAt: r.StartedAt.UTC(), Cohort: r.Cohort}, nil
}

// migrateUser gives a vendor what it lacks. The document is read once more, so
// that what somebody changes meanwhile is not written over.
func (s *Store) migrateUser(ctx context.Context, seen bson.Raw, t migration.Terms) error {
	id := pageID(seen)
	if d := migration.Decide(readForMigration(seen), t); d.Verdict == migration.NoVendor || d.Verdict == migration.Complete && d.Reason != migration.WouldMail {
		return nil
	}
	raw, found, err := find[bson.Raw](ctx, "reading vendor "+id, s.users, byID(seen.Lookup("_id")))
	if err != nil || !found { // it was removed meanwhile
		return err
	}
	d, err := s.decideUser(ctx, raw, t)
	if err != nil || d.Verdict != migration.Migrate {
		return err
	}
	if d.Register != nil {
		r, err := newRegistration(trial.Vendor{ID: id, StartedAt: d.StartedAt, Automation: d.Register})
		if err != nil {
			return err
		}
		_, _, err = s.admit(ctx, raw.Lookup("_id"), readUser(raw), r, nil)
		return err
	}
	var set bson.D
	for _, c := range d.Changes {
		set = append(set, bson.E{Key: c.Field, Value: c.Value})
	}
	if _, err = s.updateUser(ctx, id, bson.D{{Key: "$set", Value: set}}); err != nil && !errors.Is(err, mongo.ErrNoDocuments) {
		return refusedDocument("migrating vendor "+id, err)
	}
	return nil
}

// readForMigration reads of a user's document what a migration decides on.
func readForMigration(raw bson.Raw) migration.User {
	u := migration.User{
		ID: pageID(raw), Zone: zone(raw.Lookup("timezone")),
		IsVendor: fieldValue(raw.Lookup(migration.FieldIsVendor)), Start: fieldValue(raw.Lookup(migration.FieldStart)),
		CreatedAt: fieldValue(raw.Lookup(migration.FieldCreatedAt)), Automation: fieldValue(raw.Lookup(migration.FieldAutomation)),
	}
	if id, ok := raw.Lookup("_id").ObjectIDOK(); ok {
		u.MadeAt = id.Timestamp()
	}
	if doc, ok := raw.Lookup(migration.FieldAutomation).DocumentOK(); ok {
		u.Held = migration.Held{
			Cohort: fieldValue(doc.Lookup("cohort")), Bucket: fieldValue(doc.Lookup("bucket")),
			RolloutPercentage: fieldValue(doc.Lookup("rolloutPercentage")), FlagsVersion: fieldValue(doc.Lookup("flagsVersion")),
			Policy: fieldValue(doc.Lookup("policy")), RegisteredAt: fieldValue(doc.Lookup("registeredAt")), Status: fieldValue(doc.Lookup("status")),
		}
	}
	return u
}

func fieldValue(v bson.RawValue) migration.Value {
	if !given(v) {
		return migration.Value{}
	}
	if ms, ok := v.DateTimeOK(); ok {
		return migration.Value{Kind: migration.Date, At: time.UnixMilli(ms).UTC()}
	}
	if seconds, _, ok := v.TimestampOK(); ok {
		return migration.Value{Kind: migration.Date, At: time.Unix(int64(seconds), 0).UTC()}
	}
	if decimal, ok := v.Decimal128OK(); ok {
		n, err := strconv.ParseFloat(decimal.String(), 64)
		if err == nil {
			return migration.Value{Kind: migration.Number, Number: n}
		}
	}
	if text, ok := v.StringValueOK(); ok {
		return migration.Value{Kind: migration.Text, Text: text}
	}
	if n, ok := v.AsFloat64OK(); ok {
		return migration.Value{Kind: migration.Number, Number: n}
	}
	if flag, ok := v.BooleanOK(); ok {
		return migration.Value{Kind: migration.Flag, Flag: flag}
	}
	if _, ok := v.DocumentOK(); ok {
		return migration.Value{Kind: migration.Document}
	}
	return migration.Value{Kind: migration.Other}
}
