/** The release that these sources are, as package.json says too. */
export const RELEASE = '0.1.0';
