import { privateS3Cases } from "./private_s3_cases.ts";
import { startSwift } from "./private_swift.ts";
import { privateServerTest } from "./services.ts";

privateS3Cases(privateServerTest("s3"), { name: "swift", start: startSwift });
