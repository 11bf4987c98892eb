package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"marketplace.example/trials/internal/adapters/ses"
	"marketplace.example/trials/internal/domain/brand"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/internal/domain/wording"
	"marketplace.example/trials/internal/platform/config"
)

const variableTemplates = "MAIL_TEMPLATES"

func (a *app) mail() *cobra.Command {
	var folder string
	group := &cobra.Command{
		Use: "mail", Short: "Look at the e-mails to vendors, before and after they are sent",
		Long:    "Look at the e-mails to vendors. check and preview ask no API, and send nothing.",
		Example: examples("starter mail check --templates deploy/mail", "starter mail preview reminder", "starter mail show v-1001/welcome/0"),
	}
	group.PersistentFlags().StringVar(&folder, "templates", "", "the folder with brand.yaml (default "+variableTemplates+", or else the neutral brand)")
	read := func() (config.Mail, error) {
		folder = cmp.Or(folder, a.getenv(variableTemplates))
		return config.Config{MailTemplates: folder}.Mail()
	}
	check := &cobra.Command{
		Use: "check", Short: "Render every e-mail at every edge, and say what is wrong", Args: cobra.NoArgs,
		Long: "Render every kind of e-mail in every language with the brand, for long names, none, names from right to left, no zone, one day left, " +
			"grace 0 and more, and say what is wrong: long subjects, HTML that Gmail clips, a missing text part, links that lead nowhere, little contrast, images without text. Links are not followed.",
		Example: examples("starter mail check", "starter mail check --templates deploy/mail"),
		RunE: func(*cobra.Command, []string) error {
			m, err := read()
			if err != nil {
				return err
			}
			return a.checkMails(m, folder)
		},
	}
	group.AddCommand(check, a.mailPreview(read), a.mailShow(), a.mailSend())
	return group
}

func (a *app) mailPreview(read func() (config.Mail, error)) *cobra.Command {
	var asHTML, asText bool
	var language string
	kinds := strings.Join(wording.BuiltInKinds(), ", ")
	preview := &cobra.Command{
		Use: "preview KIND", Short: "Print one e-mail: " + kinds,
		Long: "Print one e-mail with the brand: " + kinds + ", or a kind of your own. Its HTML is what a browser shows. " +
			"--language is a vendor's locale; the e-mail is in the language that such a vendor gets.",
		Example: examples("starter mail preview welcome", "starter mail preview reminder --language pt-BR --html --templates deploy/mail >reminder.html"),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("needs one kind of e-mail: %s, or one of your own", kinds)
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			m, err := read()
			if err != nil {
				return err
			}
			if all := m.Words.Kinds(); !slices.Contains(all, args[0]) {
				return usagef("%.40q is no kind of e-mail; such are %s", args[0], strings.Join(all, ", "))
			}
			if language != "" && !trial.ValidLocale(language) {
				return usagef("--language: %.40q is no language like pt-BR", language)
			}
			return a.previewMail(m, args[0], language, asHTML)
		},
	}
	preview.Flags().StringVar(&language, "language", "", "the vendor's locale, such as pt-BR (default the brand's language)")
	preview.Flags().BoolVar(&asHTML, "html", false, "print the HTML part alone")
	preview.Flags().BoolVar(&asText, "text", false, "print the head and the text part (the default)")
	preview.MarkFlagsMutuallyExclusive("html", "text")
	return preview
}

func (a *app) previewMail(m config.Mail, kind, language string, asHTML bool) error {
	usual := ses.Samples(m.Brand, m.Words, language, kind)[0].Content
	usual.Layout = m.Layout
	r, err := ses.Render(usual)
	if err != nil {
		return err
	}
	if asHTML {
		a.printf("%s", r.HTML)
		return nil
	}
	a.printf("From: %s\n", cmp.Or(m.Brand.Sender.Name, "as MAIL_FROM says"))
	if m.Brand.Sender.ReplyTo != "" {
		a.printf("Reply-To: %s\n", m.Brand.Sender.ReplyTo)
	}
	a.printf("Subject: %s\n\n%s", r.Subject, r.Text)
	return nil
}

// checkMails prints what is wrong with a brand's e-mails, and fails if anything is.
func (a *app) checkMails(m config.Mail, folder string) error {
	b := m.Brand
	if folder == "" {
		a.printf("No brand: %s names no folder. E-mails bear no name, and have no button.\n", variableTemplates)
	} else {
		a.printf("Brand: %s, of %s.\n", printable(b.Name), printable(folder))
	}
	found, err := a.renderAll(m)
	if err != nil {
		return err
	}
	contrasts := b.Contrasts()
	least := slices.MinFunc(contrasts, func(x, y brand.Contrast) int { return cmp.Compare(x.Ratio, y.Ratio) })
	a.printf("Least contrast: %s of at least %g, %s on %s, %s\n", least, brand.MinContrast, least.Text, least.On, least.Scheme)
	for _, c := range contrasts {
		if c.Ratio < brand.MinContrast {
			found = append(found, fmt.Sprintf("colors: %s on %s, %s, has a contrast of %s", c.Text, c.On, c.Scheme, c))
		}
	}
	if len(found) == 0 {
		a.printf("Nothing is wrong. Links were not followed.\n")
		return nil
	}
	for _, one := range found {
		a.printf("WRONG  %s\n", printable(one))
	}
	return errors.New("the e-mails are not fit to be sent")
}

// renderAll renders every kind in every language at every edge. It prints the longest, and returns what is wrong.
func (a *app) renderAll(m config.Mail) (found []string, err error) {
	var subject, size struct {
		most int
		of   string
	}
	rendered := 0
	languages, kinds := m.Words.Languages(), m.Words.Kinds()
	for _, language := range languages {
		others := map[string][]string{}
		for _, kind := range kinds {
			if w, _ := m.Words.For(language, kind); w.Language.Tag() != language {
				others[w.Language.Tag()] = append(others[w.Language.Tag()], kind)
				continue
			}
			for _, sample := range ses.Samples(m.Brand, m.Words, language, kind) {
				sample.Content.Layout = m.Layout
				of := language + ", " + kind + ", " + sample.Edge
				r, err := ses.Render(sample.Content)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", of, err)
				}
				rendered++
				if n := utf8.RuneCountInString(r.Subject); n > subject.most {
					subject.most, subject.of = n, of
				}
				if n := len(r.HTML); n > size.most {
					size.most, size.of = n, of
				}
				for _, fault := range ses.Faults(r) {
					found = append(found, of+": "+fault)
				}
			}
		}
		if tag := m.Words.Pages(language).Language.Tag(); tag != language {
			others[tag] = append(others[tag], wording.KindPages)
		}
		for _, other := range slices.Sorted(maps.Keys(others)) {
			a.printf("Without words in %s, so written in %s: %s\n", language, other, strings.Join(others[other], ", "))
		}
	}
	a.printf("Rendered: %d e-mails of %d kinds in %d languages, %s\n", rendered, len(kinds), len(languages), strings.Join(languages, ", "))
	a.printf("Longest subject: %d letters of at most %d, %s\n", subject.most, ses.MaxSubject, subject.of)
	a.printf("Largest HTML: %d bytes of at most %d, %s\n", size.most, ses.MaxHTML, size.of)
	return found, nil
}
