/** A file of the page as it is built into the library. */
export interface PageFile {
  /** Its media type. */
  readonly type: string;
  readonly encoding: 'utf8' | 'base64';
  readonly body: string;
  /** Quoted; another one whenever the body is. */
  readonly etag: string;
}

/** By their paths, relative to where the dashboard is mounted. */
export type PageFiles = Readonly<Record<string, PageFile>>;
