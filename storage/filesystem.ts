/**
 * Object storage in a directory.
 *
 * @module
 */

import { refuseEdgeFiles } from "./adapters/filesystem.ts";

export {
  type FileSystemStorageOptions,
  FileSystemStorageProvider,
  type PresignSettings,
} from "./adapters/filesystem.ts";

refuseEdgeFiles();
