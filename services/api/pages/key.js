// The API key of this tab: kept while it is open, sent with every question, shown nowhere.

const NAME = "key";

export const hasKey = () => sessionStorage.getItem(NAME) !== null;
export const useKey = (text) => sessionStorage.setItem(NAME, text);
export const forgetKey = () => sessionStorage.removeItem(NAME);
export const bearer = () => (hasKey() ? { Authorization: `Bearer ${sessionStorage.getItem(NAME)}` } : {});
