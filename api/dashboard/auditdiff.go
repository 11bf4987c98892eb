package dashboard

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"marketplace.example/trials/internal/domain/audit"
)

// fact is one value in a JSON document, by the path to it.
type fact struct{ Path, Value string }

// change is a value that differs between two documents.
type change struct{ Path, Before, After string }

// changes are what differs between how something was and how it is.
type changes struct {
	// Changed and Same are what both documents come to, side by side.
	Changed []change
	Same    []fact
	// Before and After are what there is where they cannot be put side by side.
	Before, After []fact
}

// Unknown says what of the two is not known.
func (c changes) Unknown() string {
	switch {
	case c.Before != nil && c.After == nil:
		return "How it was afterwards is not in this entry."
	case c.After != nil && c.Before == nil:
		return "How it was before is not in this entry."
	}
	return ""
}

// absent stands for a value that a document does not have.
const absent = "(not there)"

// compare says what differs between two documents, whose moments are written on the viewer's clock.
func compare(before, after audit.JSON, now time.Time) changes {
	was, is := factsOf(before, now), factsOf(after, now)
	if was == nil || is == nil || leftOut(was) || leftOut(is) {
		return changes{Before: was, After: is}
	}
	var c changes
	from, to := valuesOf(was), valuesOf(is)
	for _, path := range slices.Sorted(maps.Keys(union(from, to))) {
		then, since := valueOr(from, path), valueOr(to, path)
		if then == since {
			c.Same = append(c.Same, fact{path, since})
		} else {
			c.Changed = append(c.Changed, change{path, then, since})
		}
	}
	return c
}

// leftOut tells whether the values are but the remark that a document is not there.
func leftOut(facts []fact) bool { return len(facts) == 1 && facts[0].Path == "leftOut" }

func valuesOf(facts []fact) map[string]string {
	values := map[string]string{}
	for _, f := range facts {
		values[f.Path] = f.Value
	}
	return values
}

func union(a, b map[string]string) map[string]string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

func valueOr(values map[string]string, path string) string {
	if value, known := values[path]; known {
		return value
	}
	return absent
}

// factsOf are the values in a document, in the order of their paths; none where
// there is no document.
func factsOf(document audit.JSON, now time.Time) []fact {
	if document == "" {
		return nil
	}
	text, err := document.MarshalJSON() // which says so where it is no JSON
	if err != nil {
		return []fact{{"", err.Error()}}
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber() // as they are written
	var value any
	if err := decoder.Decode(&value); err != nil {
		return []fact{{"", err.Error()}}
	}
	return appendFacts(nil, "", value, now)
}

func appendFacts(facts []fact, path string, value any, now time.Time) []fact {
	switch v := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			facts = appendFacts(facts, strings.TrimPrefix(path+"."+name, "."), v[name], now)
		}
		if len(v) == 0 {
			facts = append(facts, fact{path, "(nothing)"})
		}
	case []any:
		for i, item := range v {
			facts = appendFacts(facts, fmt.Sprintf("%s[%d]", path, i+1), item, now)
		}
		if len(v) == 0 {
			facts = append(facts, fact{path, "(nothing)"})
		}
	default:
		facts = append(facts, fact{path, plainValue(v, now)})
	}
	return facts
}

// plainValue is a value that has no parts as people write it.
func plainValue(value any, now time.Time) string {
	switch v := value.(type) {
	case nil:
		return "(nothing)"
	case string:
		if t, err := time.Parse(time.RFC3339, v); err == nil && t.Nanosecond() == 0 {
			return stamp(t, now)
		}
		if v == "" {
			return "(empty)"
		}
		return v
	}
	return fmt.Sprint(value)
}
