// Runs axe-core and lists what it finds: rule, what it wants, where, why.
async (only) => {
  const contrast = { "color-contrast-enhanced": { enabled: true } };
  const options = { runOnly: only, resultTypes: ["violations"], ...(only.type === "tag" && { rules: contrast }) };
  const { violations } = await axe.run(document, options);
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, any, all, none }) => {
      const why = [...any, ...all, ...none].map((check) => check.message).join("; ");
      return `${id}: ${help} - at ${target.join(" ")}: ${why}`;
    }),
  );
}
