package mongodb

import (
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"marketplace.example/trials/internal/domain/migration"
	"marketplace.example/trials/internal/domain/recovery"
	"marketplace.example/trials/internal/domain/trial"
)

// user is a document of the marketplace's users, read leniently: others write
// these, and one that is not as it should be must not keep the rest from being
// served. What is of the wrong type counts as not there.
type user struct {
	vendor   trial.Vendor
	isVendor bool
	// foreign says that trialAutomation is there but no document, so that
	// nothing can be added to it.
	foreign bool
	// undecided says that trialStartDate or trialAutomation is there and cannot be
	// read, so that somebody has to say what it means: see the package migration.
	undecided bool
}

func readUser(raw bson.Raw) user {
	u := user{vendor: trial.Vendor{
		ID:        vendorID(raw.Lookup("_id")),
		Email:     email(raw.Lookup("email")),
		Name:      text(raw.Lookup("name")),
		Zone:      zone(raw.Lookup("timezone")),
		Locale:    locale(raw.Lookup("locale")),
		CreatedAt: createdAt(raw),
	}}
	u.isVendor, _ = raw.Lookup("isVendor").BooleanOK()
	started := raw.Lookup("trialStartDate")
	u.vendor.StartedAt, _ = migration.ParseTime(fieldValue(started)) // the zero time where it is none
	u.undecided = u.vendor.StartedAt.IsZero() && given(started)
	automation, err := raw.LookupErr("trialAutomation")
	if err != nil {
		return u
	}
	doc, ok := automation.DocumentOK()
	u.foreign = !ok
	u.undecided = u.undecided || !ok && given(automation)
	if ok {
		u.vendor.Automation = readAutomation(doc)
		if at := date(doc.Lookup("erasedAt")); !at.IsZero() {
			u.vendor.ErasedAt = &at
		}
	}
	return u
}

// Describe reads of a document of a collection what the rules of a restore look at.
func Describe(collection string, doc bson.Raw) recovery.Document {
	id := doc.Lookup("_id")
	d := recovery.Document{Collection: collection, ID: text(id)}
	switch collection {
	case usersCollection:
		d.ID = vendorID(id)
	case tokensCollection:
		d.Revoked = given(doc.Lookup("revokedAt"))
	case eventsCollection:
		d.Owner = text(doc.Lookup("vendorId"))
	case decisionsCollection:
		d.Owner = text(doc.Lookup("rolloutId"))
	}
	if d.IsEvent() {
		d.Seq, d.At = int(number(doc.Lookup("seq"))), date(doc.Lookup("at"))
	}
	return d
}

// given tells whether a field holds anything.
func given(v bson.RawValue) bool {
	return !v.IsZero() && v.Type != bson.TypeNull && v.Type != bson.TypeUndefined
}

// readAutomation is nil for a vendor that was not taken in: without a cohort
// nothing was decided.
func readAutomation(doc bson.Raw) *trial.Automation {
	cohort := trial.Cohort(text(doc.Lookup("cohort")))
	if cohort != trial.Automated && cohort != trial.Control {
		return nil
	}
	a := &trial.Automation{
		Cohort:            cohort,
		Bucket:            number(doc.Lookup("bucket")),
		RolloutPercentage: number(doc.Lookup("rolloutPercentage")),
		FlagsVersion:      int(number(doc.Lookup("flagsVersion"))),
		Policy:            text(doc.Lookup("policy")),
		RegisteredAt:      date(doc.Lookup("registeredAt")),
		Status:            trial.Status(text(doc.Lookup("status"))),
	}
	a.PolicyBy, a.Attributes = trial.PolicyBy(text(doc.Lookup("policyBy"))), attributes(doc.Lookup("attributes"))
	if e, ok := doc.Lookup("experiment").DocumentOK(); ok {
		a.Experiment = &trial.Assignment{Experiment: text(e.Lookup("experiment")), Arm: text(e.Lookup("arm"))}
	}
	a.MovedTo = text(doc.Lookup("movedTo"))
	if endsAt := date(doc.Lookup("endsAt")); !endsAt.IsZero() {
		a.EndsAt = &endsAt
	}
	if c, ok := doc.Lookup("conversion").DocumentOK(); ok {
		if at := date(c.Lookup("at")); !at.IsZero() {
			recorded, _ := c.Lookup("recorded").BooleanOK()
			a.Conversion = &trial.Conversion{At: at, RequestID: text(c.Lookup("requestId")), Recorded: recorded}
		}
	}
	return a
}

// attributes are those of text, nil for none.
func attributes(v bson.RawValue) (all trial.Attributes) {
	doc, _ := v.DocumentOK()
	elements, _ := doc.Elements() // none where it is no document
	for _, e := range elements {
		if value, ok := e.Value().StringValueOK(); ok {
			if all == nil {
				all = trial.Attributes{}
			}
			all[e.Key()] = value
		}
	}
	return all
}

// vendorID is the id as text: the marketplace's may be strings or ObjectIDs.
// What is neither gives an id that is not valid.
func vendorID(v bson.RawValue) string {
	if id, ok := v.ObjectIDOK(); ok {
		return id.Hex()
	}
	id, _ := v.StringValueOK()
	return id
}

// userKeys are the values of _id that a vendor's id may stand for.
func userKeys(id string) []any {
	keys := []any{id}
	if object, err := bson.ObjectIDFromHex(id); err == nil && object.Hex() == id {
		keys = append(keys, object)
	}
	return keys
}

// text also takes a number: a shop may well be named 24.
func text(v bson.RawValue) string {
	if s, ok := v.StringValueOK(); ok {
		return s
	}
	if n, ok := v.AsFloat64OK(); ok {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return ""
}

func email(v bson.RawValue) string {
	s, _ := v.StringValueOK()
	return strings.TrimSpace(s)
}

func zone(v bson.RawValue) string {
	if s, ok := v.StringValueOK(); ok && trial.ValidZone(s) {
		return s
	}
	return ""
}

func locale(v bson.RawValue) string {
	if s, ok := v.StringValueOK(); ok && trial.ValidLocale(s) {
		return s
	}
	return ""
}

// number takes any of BSON's numbers but the decimal.
func number(v bson.RawValue) float64 {
	n, _ := v.AsFloat64OK()
	return n
}

// date is a moment however it was written; the zero time stands for none, and for
// one that is not plausible.
func date(v bson.RawValue) time.Time {
	t, _ := migration.ParseTime(fieldValue(v)) // the zero time where it is none
	return t
}

// createdAt is when the document was made: what it says or, where it says
// nothing, the moment within its ObjectID.
func createdAt(raw bson.Raw) time.Time {
	said := raw.Lookup("createdAt")
	if id, ok := raw.Lookup("_id").ObjectIDOK(); ok && !given(said) {
		t, _ := migration.ParseTime(migration.Value{Kind: migration.Date, At: id.Timestamp()})
		return t
	}
	return date(said)
}

// stored is a moment as the database gives it back.
func stored(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
