package main

import (
	"context"
	"net/http"

	"github.com/spf13/cobra"

	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/domain/trial"
)

func (a *app) vendor() *cobra.Command {
	group := &cobra.Command{
		Use: "vendor", Short: "Register, show, convert, export and erase vendors",
		Example: examples("starter vendor show v-1001"),
	}
	group.AddCommand(a.vendorRegister(), a.vendorShow(), a.vendorConvert(), a.vendorFeedback(), a.vendorExport(), a.vendorErase())
	return group
}

func (a *app) vendorRegister() *cobra.Command {
	var body client.VendorRegistration
	var timezone, locale, registeredAt, terms string
	var attributes map[string]string
	command := &cobra.Command{
		Use: "register", Short: "Register a vendor and begin its trial", Args: cobra.NoArgs,
		Long: "Registers a vendor and begins its trial. Safe to repeat with the same data.",
		Example: examples(
			"starter vendor register --id v-1001 --email ada@example.com --name \"Ada's Tools\"",
			"starter vendor register --id v-1002 --email bo@example.com --name Bo --timezone Europe/Paris --locale fr --registered-at 2026-01-05T08:30:00Z",
		),
	}
	flags := command.Flags()
	flags.StringVar(&body.Id, "id", "", "the vendor's id: letters, digits, underscore and dash")
	flags.StringVar(&body.Email, "email", "", "one bare e-mail address")
	flags.StringVar(&body.Name, "name", "", "the vendor's name")
	flags.StringVar(&timezone, "timezone", "", "the vendor's IANA time zone, for the hour of reminders")
	flags.StringVar(&locale, "locale", "", "the vendor's language, such as pt-BR, for its e-mails")
	flags.StringVar(&registeredAt, "registered-at", "", "when the vendor registered, RFC 3339 (default now)")
	flags.StringVar(&terms, "policy", "", "the policy of its trial (default what the rules choose, see starter policy list)")
	flags.StringToStringVar(&attributes, "attribute", nil, "what the rules choose by, such as country=BR; may be given more than once")
	markRequired(command, "id", "email", "name")
	command.RunE = func(c *cobra.Command, _ []string) error {
		if err := checkVendorID(body.Id); err != nil {
			return err
		}
		var err error
		if body.RegisteredAt, err = parseTime("registered-at", registeredAt); err != nil {
			return err
		}
		if timezone != "" {
			body.Timezone = &timezone
		}
		if locale != "" {
			body.Locale = &locale
		}
		if terms != "" {
			body.Policy = &terms
		}
		if len(attributes) > 0 {
			body.Attributes = (*trial.Attributes)(&attributes)
		}
		return a.register(c.Context(), body)
	}
	return command
}

func (a *app) register(ctx context.Context, body client.VendorRegistration) error {
	register := func(api client.ClientInterface) (*http.Response, error) { return api.RegisterVendor(ctx, body) }
	return askAsService(a, register, func(v client.Answer[client.VendorTrial]) error {
		if v.Status == http.StatusOK {
			a.printf("Vendor %s was registered before, with the same data.\n", body.Id)
		} else {
			a.printf("Vendor %s is registered.\n", body.Id)
		}
		return a.printVendor(v.Value)
	})
}

func (a *app) vendorShow() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Show a vendor, its cohort and its trial", Args: onVendor,
		Example: examples("starter vendor show v-1001", "starter vendor show v-1001 --json"),
		RunE: func(c *cobra.Command, args []string) error {
			return askAsService(a, func(api client.ClientInterface) (*http.Response, error) { return api.GetVendor(c.Context(), args[0]) },
				func(v client.Answer[client.VendorTrial]) error { return a.printVendor(v.Value) })
		},
	}
}

func (a *app) vendorConvert() *cobra.Command {
	var at string
	command := &cobra.Command{
		Use: "convert ID", Short: "Report that a vendor has converted", Args: onVendor,
		Long: "Reports, as billing does, that a vendor has converted. Safe to repeat: the first conversion counts.",
		Example: examples(
			"starter vendor convert v-1001",
			"starter vendor convert v-1001 --at 2026-01-12T10:00:00Z",
		),
	}
	command.Flags().StringVar(&at, "at", "", "when the vendor converted, RFC 3339 (default now)")
	command.RunE = func(c *cobra.Command, args []string) error {
		moment, err := parseTime("at", at)
		if err != nil {
			return err
		}
		return a.convert(c.Context(), args[0], client.ConversionReport{At: moment})
	}
	return command
}

func (a *app) convert(ctx context.Context, id string, body client.ConversionReport) error {
	convert := func(api client.ClientInterface) (*http.Response, error) { return api.RecordConversion(ctx, id, body) }
	return askAsService(a, convert, func(c client.Answer[client.Conversion]) error {
		what := "is on record"
		if c.Status == http.StatusOK {
			what = "was on record before"
		}
		a.printf("The conversion of %s %s: %s.\n", id, what, formatTime(c.Value.At, a.now()))
		if !c.Value.Recorded {
			a.printf("The trial has not received it yet, and will.\n")
		}
		return nil
	})
}

func (a *app) printVendor(v client.VendorTrial) error {
	now := a.now()
	t := table{}
	t.row("vendor", v.Vendor.Id)
	t.row("name", v.Vendor.Name)
	t.row("e-mail", v.Vendor.Email)
	if v.Vendor.Timezone != "" {
		t.row("time zone", v.Vendor.Timezone)
	}
	if v.Vendor.Locale != "" {
		t.row("language", v.Vendor.Locale)
	}
	t.row("registered", optionalTime(v.Vendor.RegisteredAt, now))
	if at := v.Vendor.ErasedAt; at != nil {
		t.row("erased", formatTime(*at, now))
	}
	if c := v.Vendor.Conversion; c != nil {
		t.row("converted", formatTime(c.At, now))
	}
	if s := v.Vendor.Suppression; s != nil {
		t.row("no e-mail", s.Reason+", "+formatTime(s.At, now))
	}
	if v.Cohort == nil || v.Trial == nil {
		t.row("trial", "not started: the vendor is not enrolled yet")
		return t.write(a.out)
	}
	overviewRows(&t, *v.Trial, now)
	return t.write(a.out)
}

// markRequired makes flags required.
func markRequired(command *cobra.Command, names ...string) {
	for _, name := range names {
		if err := command.MarkFlagRequired(name); err != nil {
			panic(err) // the flag is not defined: a mistake in this program
		}
	}
}
