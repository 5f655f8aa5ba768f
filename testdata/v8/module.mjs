// An ES module: its functions are named by URL.
const kept = [];
export const keep = (count) => {
  for (let i = 0; i < count; i++)
    kept.push(new Array(2000).fill(i));
};
keep(300);
(() => kept.push(new Array(200000).fill(0)))();
