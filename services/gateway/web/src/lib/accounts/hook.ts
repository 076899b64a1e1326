const AT_HOME = /(^|\.)(localhost|local|lan|home|internal|intranet|home\.arpa|fritz\.box)$/i;

/** Where this house is reached from the internet, going by where the browser found it; null where that is at home only. */
export function outside(place: Pick<Location, 'protocol' | 'hostname' | 'origin'>): string | null {
  const isName = place.hostname.includes('.') && !/^[\d.]+$/.test(place.hostname) && !place.hostname.includes(':');
  return place.protocol === 'https:' && isName && !AT_HOME.test(place.hostname) ? place.origin : null;
}
