package trial

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestNamedIn(t *testing.T) {
	t.Parallel()
	ada := Vendor{Name: "Ada's Tools", Email: "ada@example.com"}
	for text, want := range map[string]bool{
		"": false, "asked for more time": false, "Ada asked": false, "from ADA@example.com": true, "ada's tools are good": true, "tools": false,
	} {
		require.Equal(t, want, ada.NamedIn(text), text)
	}
	require.False(t, Vendor{Name: "Shop"}.NamedIn("the shop is closed"), "short names are words too often")
	require.False(t, Vendor{}.NamedIn("anything"), "an erased vendor has neither")
	require.False(t, Vendor{Name: " ", Email: " "}.NamedIn("a b"))
}

func TestHoldsAddress(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"": false, "asked for more time": false, "@support said so": false, "12 @ 3.50 each": false, "ada@home": false, "a@.b": false,
		"ada@example.com": true, "from <Ada.L+x@mail.EXAMPLE.co.uk>, today": true, "ädä@exämple.com": true, "re:ada@example.com.": true,
	} {
		require.Equal(t, want, HoldsAddress(text), text)
	}
}

func TestAnErasedVendorGetsNoMail(t *testing.T) {
	t.Parallel()
	v := Vendor{Email: "new@example.com"}
	require.Empty(t, v.NoMail())
	v.ErasedAt = &time.Time{}
	require.Equal(t, ReasonNoAddress, v.NoMail(), "whatever address came after")
}
