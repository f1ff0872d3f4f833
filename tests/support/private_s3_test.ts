import { startS3 } from "./private_s3.ts";
import { privateS3Cases } from "./private_s3_cases.ts";
import { privateServerTest } from "./services.ts";

privateS3Cases(privateServerTest("s3"), { name: "s3", start: startS3 });
