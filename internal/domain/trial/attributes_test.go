package trial_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/trial"
)

func TestAttributesAreShortAndNobodysName(t *testing.T) {
	t.Parallel()
	many := trial.Attributes{}
	for i := range trial.MaxAttributes {
		many[fmt.Sprintf("key%d", i)] = "x"
	}
	require.NoError(t, many.Validate())
	require.NoError(t, trial.Attributes{"country": "BR", "plan_2": strings.Repeat("ß", 64)}.Validate())
	require.NoError(t, trial.Attributes(nil).Validate())
	many["one-more"] = "x"
	const key = "has a key that is not a small letter and up to 31 letters, digits, dashes and underscores"
	for _, c := range []struct {
		attributes     trial.Attributes
		field, message string
	}{
		{many, "attributes", "must be at most 10, are 11"},
		{trial.Attributes{"Country": "BR"}, "attributes", key},
		{trial.Attributes{"a.b": "BR"}, "attributes", key},
		{trial.Attributes{"$set": "BR"}, "attributes", key},
		{trial.Attributes{"ada@example.com": "BR"}, "attributes", key},
		{trial.Attributes{"a" + strings.Repeat("b", 32): "BR"}, "attributes", key},
		{trial.Attributes{"country": ""}, "attributes.country", "must have 1 to 64 characters"},
		{trial.Attributes{"country": strings.Repeat("ß", 65)}, "attributes.country", "must have 1 to 64 characters"},
		{trial.Attributes{"country": "B\nR"}, "attributes.country", "must be one line of text"},
		{trial.Attributes{"country": "B\xffR"}, "attributes.country", "must be one line of text"},
		{trial.Attributes{"contact": "ada@example.com"}, "attributes.contact", "must hold no personal data, so no @"},
	} {
		requireRefusal(t, c.attributes.Validate(), trial.CodeInvalid, c.field, c.message)
	}
}
