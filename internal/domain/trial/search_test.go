package trial_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/trial"
)

func TestWhatASearchMayAskFor(t *testing.T) {
	t.Parallel()
	for field, wrong := range map[string][]trial.VendorSearch{
		"email": {{}, {Email: "ada@example.com", Name: "Ada"}, {Email: "ada"}, {Email: "Ada <ada@example.com>"}},
		"name":  {{Name: "A"}, {Name: strings.Repeat("é", 201)}},
	} {
		for _, s := range wrong {
			err := s.Validate()
			var e *trial.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, field, e.Field)
			require.NotContains(t, err.Error(), "ada", "it does not repeat what was searched for")
		}
	}
	require.NoError(t, trial.VendorSearch{Email: "ada@bücher.example"}.Validate())
	require.NoError(t, trial.VendorSearch{Name: "éé"}.Validate())
}

func TestWhomASearchMeans(t *testing.T) {
	t.Parallel()
	ada := trial.Vendor{Email: "Ada@BÜCHER.example", Name: "Éclair & Ada"}
	for _, s := range []trial.VendorSearch{{Email: "ada@xn--bcher-kva.example"}, {Name: "éCLAIR"}} {
		require.True(t, s.Means(ada), s)
		erased := ada
		erased.ErasedAt = new(time.Now())
		require.False(t, s.Means(erased), "what is written after an erasure")
	}
	for _, s := range []trial.VendorSearch{{Email: "da@bücher.example"}, {Name: "clair"}, {Name: "Éclair & Ada's"}} {
		require.False(t, s.Means(ada), s)
	}
}
