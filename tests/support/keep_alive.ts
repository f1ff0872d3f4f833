/** Keeps the process alive while `call` is pending, for the timers of the library do not. */
export async function keepAlive<T>(call: Promise<T>): Promise<T> {
  const timer = setTimeout(() => {}, 60_000);
  try {
    return await call;
  } finally {
    clearTimeout(timer);
  }
}
