export async function runOnTerminal(_o: unknown): Promise<number> { return 1; }
