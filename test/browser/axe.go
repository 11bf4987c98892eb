package browser

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/chromedp/chromedp"
)

// Axe is axe-core, which finds what keeps people from using a page.
type Axe struct{ source string }

// LoadAxe reads axe-core, which `make test-tools` installs into the module at root.
func LoadAxe(root string) (Axe, error) {
	source, err := os.ReadFile(filepath.Join(root, "test", "axe", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		return Axe{}, fmt.Errorf("reading axe-core: %w; run `make test-tools`", err)
	}
	return Axe{source: string(source)}, nil
}

// Finding is a rule that a page breaks.
type Finding struct {
	ID     string   `json:"id"`
	Impact string   `json:"impact"`
	Help   string   `json:"help"`
	Where  []string `json:"where"`
}

func (f Finding) String() string {
	return fmt.Sprintf("%s (%s): %s at %s", f.ID, f.Impact, f.Help, strings.Join(f.Where, "; "))
}

// Of what is as it should be one example is enough: to name where all of it is takes most of axe-core's time.
const findAll = `axe.run(document, {resultTypes: ["violations"]}).then(r => r.violations.map(v => ({
	id: v.id, impact: v.impact, help: v.help, where: v.nodes.map(n => n.target.join(" "))})))`

// Check finds what is wrong with the page that the browser shows, folded places
// included.
func (a Axe) Check(ctx context.Context) ([]Finding, error) {
	const unfold = `document.querySelectorAll("details").forEach(d => { d.open = true })`
	for _, script := range []string{a.source, unfold} {
		if err := chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](script)); err != nil {
			return nil, fmt.Errorf("preparing axe-core: %w", err)
		}
	}
	found, err := chromedp.Run(ctx, chromedp.Evaluate[[]Finding](findAll, chromedp.EvalAwaitPromise))
	if err != nil {
		return nil, fmt.Errorf("running axe-core: %w", err)
	}
	return found, nil
}
