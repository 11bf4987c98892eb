package mongodb

import (
	"context"
	"regexp"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"marketplace.example/trials/internal/domain/trial"
)

// letters compares texts by their letters: neither case nor accents count. The indexes of what is searched for have it too, or they
// would not serve. They index the marketplace's own fields: copies of our own would be behind whenever it changes one, and one more
// place to erase.
func letters() *options.Collation { return &options.Collation{Locale: "en", Strength: 1} }

// highest sorts after every other character in such an order (UTS #35, part 5, U+FFFF), so that what begins with a text lies
// between the text and the text followed by it.
const highest = "\uffff"

// FindVendors are up to limit vendors that a search means, without name and address, by name where one was searched for; more tells
// whether there are others.
func (s *Store) FindVendors(ctx context.Context, search trial.VendorSearch, limit int) (found []trial.Vendor, more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, scanLimit)
	defer cancel()
	field := "name"
	if search.Email != "" {
		field = "email"
	}
	ask := func(value any, o *options.FindOptionsBuilder) ([]bson.Raw, error) {
		filter := bson.D{{Key: "isVendor", Value: true}, {Key: field, Value: value}}
		return list[bson.Raw](ctx, "searching for vendors", s.users, filter, o.SetSort(ascending(field)).SetLimit(int64(limit)+1))
	}
	docs, err := ask(between(search), options.Find().SetCollation(letters()))
	if notImplemented(err) { // then no index serves anyway
		docs, err = ask(pattern(search), options.Find())
	}
	if err != nil {
		return nil, false, err
	}
	for _, raw := range docs[:min(len(docs), limit)] {
		v := readUser(raw).vendor
		erasure, err := s.erased(ctx, v.ID)
		if err != nil {
			return nil, false, err
		}
		if erasure != nil || v.ErasedAt != nil || search.Email != "" && !search.Means(v) || !trial.ValidVendorID(v.ID) {
			continue
		}
		v.Email, v.Name = "", ""
		found = append(found, v)
	}
	return found, len(docs) > limit, nil
}

// between is the condition on what is searched for, in a form that an index serves.
func between(search trial.VendorSearch) any {
	if search.Email == "" {
		return bson.D{{Key: "$gte", Value: search.Name}, {Key: "$lt", Value: search.Name + highest}}
	}
	return bson.D{{Key: "$in", Value: trial.AddressForms(search.Email)}}
}

// pattern is the same for a server that does not compare by letters.
func pattern(search trial.VendorSearch) any {
	text := "^" + regexp.QuoteMeta(search.Name)
	if search.Email != "" {
		var quoted []string
		for _, form := range trial.AddressForms(search.Email) {
			quoted = append(quoted, regexp.QuoteMeta(form))
		}
		text = "^(" + strings.Join(quoted, "|") + ")$"
	}
	return bson.Regex{Pattern: text, Options: "i"}
}
