/** What plugins of this benchmark tick at. */
export const rateHz = 60
