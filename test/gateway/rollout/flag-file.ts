// The text of a flag file, as Unleash exports it, for the tests of what reads it.

export const rollout = (name: string, percent: number) => ({
  name,
  enabled: percent > 0,
  strategies: [
    { name: 'flexibleRollout', parameters: { rollout: String(percent), stickiness: 'userId', groupId: name } },
  ],
});

export const fileOf = (...features: unknown[]) => JSON.stringify({ version: 2, features });
