/** Vite gives the address of the file it puts beside the script. */
declare module '*?url' {
  const url: string
  export default url
}
