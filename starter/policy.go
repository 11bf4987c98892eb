package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/internal/platform/config"
)

const variablePolicies = "POLICIES"

func (a *app) policies() *cobra.Command {
	group := &cobra.Command{
		Use: "policy", Short: "Look at the policies, one of which each vendor gets",
		Example: examples("starter policy check deploy/policies.yaml", "starter policy list", "starter policy show --vendor v-1001"),
	}
	group.AddCommand(a.policyList(), a.policyCheck(), a.policyShow())
	return group
}

func (a *app) policyList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "Show the policies that new vendors get, and who gets which", Args: cobra.NoArgs,
		Example: examples("starter policy list", "starter policy list --json"),
		Long: "Shows the policies that new vendors get, who gets which, how many trials run under each, and the share of those registered with\n" +
			"it long enough ago that has converted, with its 95 % interval.",
		RunE: func(c *cobra.Command, _ []string) error {
			return ask(a, func(api client.ClientInterface) (*http.Response, error) { return api.ListPolicies(c.Context()) }, func(set policy.Set) error {
				if err := a.printPolicies(set); err != nil {
					return err
				}
				return a.printPolicyFigures(c.Context())
			})
		},
	}
}

// printPolicyFigures prints the figures by policy, or why there are none.
func (a *app) printPolicyFigures(ctx context.Context) error {
	metrics, err := readAsAdmin[client.TrialMetrics](a, func(api client.ClientInterface) (*http.Response, error) { return api.GetTrialMetrics(ctx) })
	if err != nil {
		a.printf("\nNo figures by policy: %v\n", err)
		return nil
	}
	a.printf("\n")
	t := table{header: []string{"POLICY", "RUNNING", "CONVERTED", "OF", "RATE"}}
	for _, p := range metrics.Value.Report.Policies {
		rate := fmt.Sprintf("too few, %d are needed", monitoring.NeededForConversion)
		if f := p.Conversion; f.Value != nil {
			rate = fmt.Sprintf("%s (%s to %s)", evidence.Percent(*f.Value), evidence.Percent(*f.Low), evidence.Percent(*f.High))
		}
		t.row(cmp.Or(p.Policy, "(former)"), fmt.Sprint(p.Running), fmt.Sprint(p.Conversion.Numerator), fmt.Sprint(p.Conversion.Denominator), rate)
	}
	return t.write(a.out)
}

func (a *app) policyCheck() *cobra.Command {
	var zone, folder string
	command := &cobra.Command{
		Use: "check [FILE]", Short: "Say what is wrong with a file of policies, and what a vendor would get and when", Args: cobra.MaximumNArgs(1),
		Long: "Reads a file of policies (default " + variablePolicies + ", or else the built-in policy), and says what is wrong with it by line and\n" +
			"field, or which e-mails of its own have no words; otherwise what a vendor who registers now would get from each policy, and\n" +
			"when. Asks no API.",
		Example: examples("starter policy check deploy/policies.yaml", "starter policy check deploy/policies.yaml --timezone America/Sao_Paulo"),
	}
	command.Flags().StringVar(&zone, "timezone", "UTC", "the vendor's IANA time zone")
	command.Flags().StringVar(&folder, "templates", "", "the folder with the words of e-mails (default "+variableTemplates+")")
	command.RunE = func(_ *cobra.Command, args []string) error {
		if !trial.ValidZone(zone) {
			return usagef("--timezone: %.80q is not an IANA time zone", zone)
		}
		path := a.getenv(variablePolicies)
		if len(args) > 0 {
			path = args[0]
		}
		set, err := config.Config{Policies: path}.ReadPolicies()
		if err != nil {
			return err
		}
		if _, err := (config.Config{MailTemplates: cmp.Or(folder, a.getenv(variableTemplates))}).MailOf(set); err != nil {
			return err
		}
		if a.options.json {
			return a.printValue(set)
		}
		return a.checkPolicies(set, zone)
	}
	return command
}

// checkPolicies prints the policies, and the timetable of a vendor who gets one of them now.
func (a *app) checkPolicies(set policy.Set, zone string) error {
	if err := a.printPolicies(set); err != nil {
		return err
	}
	now := a.now()
	for _, p := range set.Policies {
		a.printf("\n%s, for a vendor in %s who registers now:\n", p.Name, zone)
		s := trial.NewState(trial.Registration{VendorID: "v-1", Cohort: trial.Automated, Policy: p, Day: trial.RealDay, Zone: zone, At: now})
		if err := a.printTimetable(s.Timetable()); err != nil {
			return err
		}
	}
	a.printf("\nNothing is wrong.\n")
	return nil
}

func (a *app) policyShow() *cobra.Command {
	var id string
	command := &cobra.Command{
		Use: "show --vendor ID", Short: "Show a vendor's policy, and why it has that one", Args: cobra.NoArgs,
		Example: examples("starter policy show --vendor v-1001"),
	}
	command.Flags().StringVar(&id, "vendor", "", "the vendor's id")
	markRequired(command, "vendor")
	command.RunE = func(c *cobra.Command, _ []string) error {
		if err := checkVendorID(id); err != nil {
			return err
		}
		return askAsService(a, func(api client.ClientInterface) (*http.Response, error) { return api.GetVendor(c.Context(), id) },
			func(v client.Answer[client.VendorTrial]) error {
				if v.Value.Policy == nil {
					a.printf("%s has no trial yet, and no policy.\n", printable(id))
					return nil
				}
				t := table{}
				policyRows(&t, *v.Value.Policy)
				return t.write(a.out)
			})
	}
	return command
}

// policyRows say which policy a vendor has, and why.
func policyRows(t *table, p client.VendorPolicy) {
	t.row("policy", p.Terms.String())
	if len(p.Terms.QuietDays) > 0 {
		t.row("quiet days", words(p.Terms.QuietDays))
	}
	why := map[trial.PolicyBy]string{
		trial.PolicyNamed: "its registration named it", trial.PolicyByRule: "a rule chose it by the vendor's attributes",
		trial.PolicyByDefault:    "it was the default",
		trial.PolicyByExperiment: "an experiment dealt it",
	}
	because := cmp.Or(why[trial.PolicyBy(p.By)], "not on record")
	if p.Registered != nil {
		because = fmt.Sprintf("the trial was moved to it; it was registered with %s: %s", printable(*p.Registered), because)
	}
	t.row("because", because)
	if p.Attributes != nil && len(*p.Attributes) > 0 {
		t.row("attributes", pairs(*p.Attributes))
	}
}

func (a *app) printPolicies(set policy.Set) error {
	t := table{header: []string{"POLICY", "DAYS", "GRACE", "REMINDERS BEFORE THE END", "AT", "QUIET DAYS", "OWN E-MAILS"}}
	for _, p := range set.Policies {
		var reminders []string
		for _, days := range p.ReminderDays {
			reminders = append(reminders, fmt.Sprintf("%dd", days))
		}
		var own []trial.Kind
		for _, m := range p.Mailings {
			own = append(own, m.ID)
		}
		t.row(p.Name, fmt.Sprint(p.LengthDays), fmt.Sprint(p.GraceDays), orDash(strings.Join(reminders, ", ")),
			fmt.Sprintf("%02d:00", p.SendHour), orDash(words(p.QuietDays)), orDash(words(own)))
	}
	if err := t.write(a.out); err != nil {
		return err
	}
	a.printf("\n")
	for i, r := range set.Rules {
		a.printf("Rule %d: vendors with %s get %s.\n", i+1, printable(pairs(r.When)), r.Policy)
	}
	others := "Every other vendor"
	if len(set.Rules) == 0 {
		others = "Every vendor"
	}
	a.printf("%s gets %s, unless its registration names another one.\n", others, set.Default)
	return nil
}

// pairs are attributes in a sentence, by name.
func pairs(attributes map[string]string) string {
	var all []string
	for _, key := range slices.Sorted(maps.Keys(attributes)) {
		all = append(all, key+"="+attributes[key])
	}
	return strings.Join(all, ", ")
}
