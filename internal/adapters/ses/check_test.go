package ses

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/brand"
)

func TestEveryKindAndEdgeIsFitToBeSent(t *testing.T) {
	t.Parallel()
	long := nordic()
	long.Name, long.Logo.Alt = strings.Repeat("W", 60), strings.Repeat("W", 80)
	long.Buttons.Default = "https://shop.example/" + strings.Repeat("a", 900)
	for name, b := range map[string]brand.Brand{"neutral": {}, "branded": nordic(), "long": long} {
		for _, language := range append(builtIn.Languages(), "ar-EG") {
			for _, kind := range builtIn.Kinds() {
				samples := Samples(b, words(templates), language, kind)
				require.Equal(t, "usual", samples[0].Edge)
				for _, s := range samples {
					require.Empty(t, Faults(render(t, s.Content)), "%s, %s, %s, %s", name, language, kind, s.Edge)
				}
			}
		}
	}
}

func TestFaultsAreFound(t *testing.T) {
	t.Parallel()
	good := render(t, reminder())
	require.Empty(t, Faults(good))
	for name, c := range map[string]struct {
		change func(*Rendered)
		fault  string
	}{
		"subject":          {func(r *Rendered) { r.Subject = strings.Repeat("ö", 61) }, "the subject has 61 letters"},
		"size":             {func(r *Rendered) { r.HTML += strings.Repeat(" ", MaxHTML) }, "Gmail clips it after 104448"},
		"no text":          {func(r *Rendered) { r.Text = " \n" }, "the text part is missing"},
		"link in clear":    {func(r *Rendered) { r.HTML += `<a href="http://shop.example">x</a>` }, "must begin with https://"},
		"link to the top":  {func(r *Rendered) { r.HTML += `<a href="#">x</a>` }, `a link to "#" leads nowhere`},
		"no link":          {func(r *Rendered) { r.HTML += `<A>x</A>` }, `a link to "" leads nowhere`},
		"mail to nobody":   {func(r *Rendered) { r.HTML += `<a href="mailto:">x</a>` }, "names no e-mail address"},
		"image, no text":   {func(r *Rendered) { r.HTML += `<img src="https://shop.example/a.png" alt=" "/>` }, "has no text"},
		"image from where": {func(r *Rendered) { r.HTML += `<img src="cid:logo" alt="x">` }, "cannot be loaded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := good
			c.change(&r)
			faults := Faults(r)
			require.Len(t, faults, 1)
			require.Contains(t, faults[0], c.fault)
		})
	}
}
