package app

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnEMailInAColorScheme(t *testing.T) {
	t.Parallel()
	const html = `<meta name="color-scheme" content="light dark"><style>:root { color-scheme: light dark; supported-color-schemes: light dark; }
@media (prefers-color-scheme: dark) { a {} } @media (prefers-color-scheme: light) and (max-width: 1px) { a {} }</style>`
	for scheme, want := range map[string]string{
		"dark": `<meta name="color-scheme" content="dark"><style>:root { color-scheme: dark; supported-color-schemes: dark; }
@media (min-width: 0px) { a {} } @media (max-width: 0px) and (max-width: 1px) { a {} }</style>`,
		"light": `<meta name="color-scheme" content="light"><style>:root { color-scheme: light; supported-color-schemes: light; }
@media (max-width: 0px) { a {} } @media (min-width: 0px) and (max-width: 1px) { a {} }</style>`,
	} {
		shown, err := InScheme(html, scheme)
		require.NoError(t, err)
		require.Equal(t, want, shown)
	}
	_, err := InScheme(html, "sepia")
	require.Error(t, err)
}
