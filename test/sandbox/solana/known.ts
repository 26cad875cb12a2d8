// Addresses of the sandbox's chain (seed 1), for whoever asks about it without making it.

/** Users, the first with 1.5 SOL, each next with that much more. */
export const KNOWN_USERS = [
  'dVNLSasUdt8xj3zrFXinb7HFQrrrPqKZsmDgDTr2GNo',
  'H3mE8UGqWHfDwTPxbBvxtoh5MVyFg32kWvzQStaY41tz',
  '3DEn2VsPNxNFvmwX7DHYZG3GUUxaAq1ecYp8PEafKnrJ',
  '9WwFaHqZQQgbVD9QoqDT1d1Wyu6U89HK2RWTmbn1J8gj',
] as const;
/** An account with SOL that is no user's. */
export const KNOWN_PROBE = '3cGaemjiVhn62AV3cZSwvgYMUD5MfDuMeebNGYSZK3YQ';
export const KNOWN_MINTS = {
  plain: '2BAfyfW3bZqz7JGb8NKdPo4cDpGWjBbYLrXK6j9wCQLT',
  'plain-2022': '2JX3g7pFPG5KKryUxuj8c8CNkbd4Wi3eSsWNbuDeSWtT',
  mintable: 'DmELA9T1DvQE1P5j2rmk77JFC9C9qQNbFdtqshnozKxe',
  freezable: 'H6txurHnUQeZFbyjLJjQ7CjbWnVjE5bDbWVXZ85FkXDP',
} as const;
/** A transfer of 1000 lamports from the first user to the second, signed by nobody. */
export const KNOWN_TRANSFER =
  'AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACAAQABAwlY/Bjkose3Fm3HaWKfkuQZjBjTP7fYXQQIBzXpk8cE7nAoyrFZeb9VPZzJHsNLSp84W5J8oZWKcK7sN01Piw8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQICAAEMAgAAAOgDAAAAAAAAAA==';
