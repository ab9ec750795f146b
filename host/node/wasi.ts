/** Installs the Node implementation of WASI's folders and network. */

import { useWasiPlatform } from '../interfaces/wasi-platform.js';
import { shim } from './shim.js';
import { wasiFiles } from './wasi-files.js';

useWasiPlatform({ files: wasiFiles, network: shim });
