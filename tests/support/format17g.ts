/**
 * A double as C's `printf("%.17g")` writes it: the text of scores in the corpus.
 *
 * JavaScript rounds a tie between two 17-digit texts away from zero, C to the even digit; a tie
 * shows in the exact expansion as a lone 5 after the 17th digit.
 */
export function format17g(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const [rounded, power] = value.toExponential(16).split("e");
  const sign = value < 0 ? "-" : "";
  let digits = rounded.replace(/[-.]/g, "");
  const exact = value.toExponential(100).replace(/e.*|[-.]/g, "");
  if (/^50*$/.test(exact.slice(17)) && Number(exact[16]) % 2 === 0) digits = exact.slice(0, 17);
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 17) {
    const width = String(Math.abs(exponent)).padStart(2, "0");
    return `${sign}${point(digits, 1)}e${exponent < 0 ? "-" : "+"}${width}`;
  }
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits.replace(/0+$/, "")}`;
  return sign + point(digits, exponent + 1);
}

function point(digits: string, at: number): string {
  const fraction = digits.slice(at).replace(/0+$/, "");
  return fraction === "" ? digits.slice(0, at) : `${digits.slice(0, at)}.${fraction}`;
}
